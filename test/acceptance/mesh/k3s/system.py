"""What every module needs of the operating system: log lines, files, short commands, sd_notify."""

import json
import os
import socket
import subprocess
import sys
import threading
import time


def log(level, text):
    """One line on stderr in the text format of logrus, as k3s logs."""
    stamp = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    print(f'time="{stamp}" level={level} msg={json.dumps(text, ensure_ascii=False)}', file=sys.stderr, flush=True)


def die(text):
    """Ends the process at once, from any thread; the kernel ends its child processes (see children.py)."""
    log('fatal', text)
    os._exit(1)


def notify(text):
    """Tells systemd about the state of the service; nothing happens outside of systemd."""
    path = os.environ.get('NOTIFY_SOCKET')
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        # '@' stands for the null byte of an abstract socket.
        sender.connect('\0' + path[1:] if path.startswith('@') else path)
        sender.send(text.encode())


def read(path):
    """Content of a text file."""
    with open(path) as file:
        return file.read()


def write(path, content, mode=0o644):
    """Replaces a file in one step, with the mode set before the content; makes its folder."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = path + '.new'
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, 'wb') as file:
        # A mode given to open() is subject to the umask, and to a file left from an interrupted run.
        os.fchmod(file.fileno(), mode)
        file.write(content if isinstance(content, bytes) else content.encode())
    os.replace(new, path)


def write_all(folder, files):
    """Writes a table of file names and contents; private keys are readable by root only."""
    for name, content in files.items():
        write(f'{folder}/{name}', content, 0o600 if name.endswith('.key') else 0o644)


def run(*argv):
    """Runs a short command; the result has `returncode` and `stdout`, with stderr in it."""
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def run_json(*argv):
    """What a command prints as JSON; an empty list if it fails or prints nothing."""
    result = run(*argv)
    return json.loads(result.stdout) if result.returncode == 0 and result.stdout else []


def background(function, *arguments):
    """Runs a function in a thread that does not keep the process alive."""
    threading.Thread(target=function, args=arguments, daemon=True).start()
