"""Configuration: /etc/rancher/k3s/config.yaml, its drop-ins, and environment variables."""

import glob
import os
import socket
import sys
import time
from dataclasses import dataclass, field

import yaml

from paths import CLUSTER_CIDR, CONFIG_FILE, DNS_IP, SERVICE_CIDR
from system import die, log, read, run_json

# Keys that this stand-in implements.
_BOTH = 'token token-file node-ip node-name node-label node-taint kubelet-arg kube-proxy-arg resolv-conf pause-image'
_SERVER = (
    'agent-token agent-token-file tls-san disable write-kubeconfig write-kubeconfig-mode advertise-address '
    'kube-apiserver-arg kube-controller-manager-arg kube-scheduler-arg'
)
# Keys of the real k3s that are accepted and ignored.
_BOTH_IGNORED = (
    'node-external-ip flannel-iface snapshotter private-registry data-dir prefer-bundled-bin '
    'protect-kernel-defaults debug lb-server-port selinux with-node-id'
)
_SERVER_IGNORED = (
    'tls-san-security disable-helm-controller disable-network-policy disable-cloud-controller disable-kube-proxy '
    'disable-scheduler write-kubeconfig-group cluster-domain flannel-backend system-default-registry '
    'secrets-encryption https-listen-port bind-address cluster-init servicelb-namespace egress-selector-mode'
)
IGNORED = frozenset(f'{_BOTH_IGNORED} {_SERVER_IGNORED}'.split())
# Keys that are accepted only with their default values.
FIXED = {'cluster-cidr': CLUSTER_CIDR, 'service-cidr': SERVICE_CIDR, 'cluster-dns': DNS_IP}
KNOWN = {
    'server': frozenset(f'{_BOTH} {_SERVER} {_BOTH_IGNORED} {_SERVER_IGNORED}'.split()) | frozenset(FIXED),
    'agent': frozenset(f'{_BOTH} {_BOTH_IGNORED} server'.split()),
}
# Default values.
ENVIRONMENT = {
    'K3S_TOKEN': 'token',
    'K3S_TOKEN_FILE': 'token-file',
    'K3S_AGENT_TOKEN': 'agent-token',
    'K3S_AGENT_TOKEN_FILE': 'agent-token-file',
    'K3S_URL': 'server',
    'K3S_NODE_NAME': 'node-name',
    'K3S_RESOLV_CONF': 'resolv-conf',
}


@dataclass
class Config:
    """Settings of one node. `arguments` are the command line arguments that k3s derives from the file."""

    role: str
    values: dict = field(default_factory=dict)
    arguments: list = field(default_factory=list)

    def get(self, key, default=None):
        """The unparsed value of a key."""
        return self.values.get(key, default)

    def words(self, key):
        """The values of a key that is a list or a comma-separated string."""
        return as_words(self.values.get(key))

    def flags(self, key):
        """More flags for a component, from a list of `name=value`."""
        return [f'--{each}' for each in self.words(key)]

    @property
    def name(self):
        """Name of this node."""
        return self.values['node-name']

    @property
    def ip(self):
        """Address of this node."""
        return self.words('node-ip')[0]


def as_words(value):
    """A list of strings from a YAML list, a comma-separated string, or None."""
    if value is None:
        return []
    return [as_text(each) for each in value] if isinstance(value, list) else as_text(value).split(',')


def as_text(value):
    """A YAML scalar as a command line argument."""
    return str(value).lower() if isinstance(value, bool) else '' if value is None else str(value)


def load(role):
    """Reads the configuration. Like k3s, exits if an agent does not know a key."""
    config = Config(role, _known_only(role, _read_files()))
    config.arguments = _arguments(config.values)
    for key in sorted(IGNORED & config.values.keys()):
        log('info', f'stand-in: {key} has no effect')
    for key, only in FIXED.items():
        if as_text(config.get(key, only)) != only:
            die(f'stand-in: {key} can only be {only}')
    for variable, key in ENVIRONMENT.items():
        if key in KNOWN[role] and os.environ.get(variable):
            config.values.setdefault(key, os.environ[variable])
    config.values.setdefault('node-name', socket.gethostname().split('.')[0].lower())
    if 'node-ip' not in config.values:
        config.values['node-ip'] = _address_of_default_route()
    return config


def _read_files():
    """Merges all files in order; a later value replaces an earlier one unless its key ends with `+`."""
    path = os.environ.get('K3S_CONFIG_FILE') or CONFIG_FILE
    values = {}
    for each in [path, *sorted(glob.glob(f'{path}.d/*.yaml') + glob.glob(f'{path}.d/*.yml'))]:
        if not os.path.exists(each):
            continue
        for key, value in (yaml.safe_load(read(each)) or {}).items():
            name = str(key).removesuffix('+')
            if name != str(key) and name in values:
                value = as_words(values[name]) + as_words(value)
            values[name] = value
    return values


def _known_only(role, values):
    """A server ignores unknown keys with a warning; an agent treats them as unknown flags and exits."""
    known = {}
    for key, value in values.items():
        if key in KNOWN[role]:
            known[key] = value
        elif role == 'server':
            log('warning', f'Unknown flag --{key} found in config.yaml, skipping')
        else:
            print(f'Incorrect Usage: flag provided but not defined: -{key}', file=sys.stderr)
            die(f'flag provided but not defined: -{key}')
    return known


def _arguments(values):
    """Alternating flags and values, as in the annotation k3s.io/node-args."""
    arguments = []
    for key, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            arguments += [f'--{key}', as_text(each)]
    return arguments


def _address_of_default_route():
    """The local address of the default route, found without sending a packet."""
    routes = run_json('ip', '-j', 'route', 'get', '1.1.1.1')
    return routes[0]['prefsrc'] if routes else die('stand-in: node-ip is not set, and there is no default route')


def wait_for_file(path):
    """The stripped content of a file. Waits up to four minutes until it exists, as k3s does for token files."""
    for attempt in range(120):
        if os.path.exists(path) and read(path).strip():
            return read(path).strip()
        if attempt % 5 == 0:
            log('info', f'Waiting for file {path}')
        time.sleep(2)
    return die(f'Timed out while waiting for file {path}')
