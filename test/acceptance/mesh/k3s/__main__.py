"""A stand-in for the file `k3s`: it starts the Kubernetes programs of /opt/rig/bin and Debian's containerd and etcd.

Its input (config.yaml, tokens, agent/images, environment), output (kubeconfig, tokens, certificates), logs, exit codes
and sd_notify messages are those of the real k3s. The README of the rig lists the differences.
"""

import os
import sys

from paths import BIN, KUBECONFIG, SOCKET
from version import VERSION

_USAGE = f'''NAME:
   k3s - Kubernetes, but small and simple (stand-in)

USAGE:
   k3s command [arguments...]

VERSION:
   {VERSION}

COMMANDS:
   server   Run management server
   agent    Run node agent
   kubectl  Run kubectl
   ctr      Run ctr
'''


def main(arguments):
    """Runs one command. Imports the modules of the services only when needed, so that `k3s kubectl` starts quickly."""
    command, rest = (arguments[0] if arguments else '--help'), arguments[1:]
    if command in ('--version', '-v'):
        print(f'k3s version {VERSION} (00000000)\ngo version go1.24.9')
    elif command in ('--help', '-h', 'help'):
        print(_USAGE, end='')
    elif command == 'kubectl':
        os.environ.setdefault('KUBECONFIG', KUBECONFIG)
        os.execv(f'{BIN}/kubectl', ['kubectl', *rest])
    elif command == 'ctr':
        os.execvp('ctr', ['ctr', '--address', SOCKET, '--namespace', 'k8s.io', *rest])
    elif command in ('server', 'agent'):
        _run_service(command, rest)
    else:
        print(f'No help topic for {command!r}', file=sys.stderr)
        sys.exit(3)


def _run_service(role, flags):
    """Runs the server or the agent until SIGTERM or SIGINT."""
    import signal

    import config
    from children import shut_down
    from system import die

    if flags:
        die(f'stand-in: flags go into config.yaml, not on the command line: {" ".join(flags)}')
    # As in k3s, a configuration error is reported before missing root rights.
    loaded = config.load(role)
    if os.geteuid() != 0:
        die('must be run as root')
    signal.signal(signal.SIGTERM, shut_down)
    signal.signal(signal.SIGINT, shut_down)
    if role == 'server':
        import server as service
    else:
        import agent as service
    service.run(loaded)


main(sys.argv[1:])
