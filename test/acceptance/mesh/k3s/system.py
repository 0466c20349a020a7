"""Helpers of all modules: log lines, files, short commands, sd_notify."""

import json
import os
import socket
import subprocess
import sys
import threading
import time


def log(level, text):
    """Logs one line to stderr in the text format of logrus, as k3s does."""
    stamp = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    print(f'time="{stamp}" level={level} msg={json.dumps(text, ensure_ascii=False)}', file=sys.stderr, flush=True)


def die(text):
    """Exits at once, from any thread; the kernel then kills the child processes (see children.py)."""
    log('fatal', text)
    os._exit(1)


def notify(text):
    """Sends a state to systemd; does nothing outside of systemd."""
    path = os.environ.get('NOTIFY_SOCKET')
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        # '@' represents the null byte of an abstract socket.
        sender.connect('\0' + path[1:] if path.startswith('@') else path)
        sender.send(text.encode())


def read(path):
    """Returns the content of a text file."""
    with open(path) as file:
        return file.read()


def write(path, content, mode=0o644):
    """Replaces a file atomically and creates its folder. The mode is set before the content is written."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = path + '.new'
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, 'wb') as file:
        # The mode of open() is subject to the umask and has no effect on a file of an interrupted run.
        os.fchmod(file.fileno(), mode)
        file.write(content if isinstance(content, bytes) else content.encode())
    os.replace(new, path)


def write_all(folder, files):
    """Writes files from a dict of names and contents; only root can read private keys."""
    for name, content in files.items():
        write(f'{folder}/{name}', content, 0o600 if name.endswith('.key') else 0o644)


def run(*argv):
    """Runs a short command; the result has `returncode` and `stdout`, which includes stderr."""
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def run_json(*argv):
    """Parses the JSON output of a command; returns an empty list if it fails or prints nothing."""
    result = run(*argv)
    return json.loads(result.stdout) if result.returncode == 0 and result.stdout else []


def background(function, *arguments):
    """Runs a function in a daemon thread."""
    threading.Thread(target=function, args=arguments, daemon=True).start()
