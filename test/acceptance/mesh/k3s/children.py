"""Supervision of the component processes.

The main thread starts all of them, and the kernel sends them SIGKILL when that thread ends, so that a killed k3s leaves no
components behind. Containers keep running, since they are children of containerd's shims.
"""

import os
import subprocess
import time
from dataclasses import dataclass

from paths import LOGS
from system import die, log

_LARGEST_LOG = 20 << 20


@dataclass
class Child:
    """A running component. If a `fatal` one exits, k3s exits; any other is restarted."""

    process: subprocess.Popen
    argv: list
    env: dict
    fatal: bool


class Children:
    """The component processes by name."""

    def __init__(self):
        self._running = {}

    def start(self, name, argv, env=None, fatal=True):
        """Starts a component; its output goes to /var/log/k3s/NAME.log. Only for the main thread."""
        log('info', f'Running {name} ' + ' '.join(argv[1:]))
        with _open_log(name) as output:
            process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL', '--', *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Components must not notify systemd; k3s does.
                env={**os.environ, 'NOTIFY_SOCKET': '', **(env or {})},
            )
        self._running[name] = Child(process, argv, env, fatal)

    def check(self):
        """Handles components that have exited. Only for the main thread."""
        for name, child in list(self._running.items()):
            code = child.process.poll()
            if code is None:
                continue
            if child.fatal:
                for line in _last_lines(name):
                    log('error', f'{name}: {line}')
                self.stop()
                die(f'{name} exited: {code}')
            log('warning', f'{name} exited: {code}, starting again')
            time.sleep(2)
            self.start(name, child.argv, child.env, child.fatal)

    def wait(self, probe, pause=0.3):
        """Returns when `probe` is true; exits if a fatal component exits before that."""
        while not probe():
            self.check()
            time.sleep(pause)

    def watch(self):
        """Supervises until k3s ends."""
        while True:
            self.check()
            time.sleep(1)

    def stop(self):
        """Ends all components within 8 seconds, and then etcd within 5."""
        others = [name for name in self._running if name != 'etcd']
        for name in reversed(others):
            self._running[name].process.terminate()
        end = time.time() + 8
        for name in others:
            _wait_or_kill(self._running[name].process, end)
        # Last, since the other components need etcd until they have stopped.
        if 'etcd' in self._running:
            self._running['etcd'].process.terminate()
            _wait_or_kill(self._running['etcd'].process, time.time() + 5)


def _wait_or_kill(process, end):
    try:
        process.wait(max(0.1, end - time.time()))
    except subprocess.TimeoutExpired:
        process.kill()


def _open_log(name):
    os.makedirs(LOGS, exist_ok=True)
    path = f'{LOGS}/{name}.log'
    if os.path.exists(path) and os.path.getsize(path) > _LARGEST_LOG:
        os.replace(path, path + '.old')
    return open(path, 'ab')


def _last_lines(name):
    with open(f'{LOGS}/{name}.log', errors='replace') as file:
        return [line.rstrip('\n') for line in file.readlines()[-5:]]


children = Children()


def shut_down(*_):
    """Handler of SIGTERM and SIGINT."""
    log('info', 'Shutdown request received')
    children.stop()
    log('info', 'Shutdown complete')
    os._exit(0)
