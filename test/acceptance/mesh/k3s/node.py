"""The components of every node: kubelet, kube-proxy, network policies, pod network, import of images."""

import os
import secrets
import threading
import urllib.parse

import images
import kubelet
from api import Api
from certificates import kubeconfig
from children import children
from network import Network
from paths import AGENT, BIN, CLUSTER_CIDR, NODE_PASSWORD, SERVICE_CIDR
from system import background, log, read, write

_CLIENTS = {
    'kubelet': 'client-kubelet',
    'kubeproxy': 'client-kube-proxy',
    'k3scontroller': 'client-k3s-controller',
}


def password():
    """The secret with which a node proves that it owns its name; created at the first start."""
    if not os.path.exists(NODE_PASSWORD):
        write(NODE_PASSWORD, secrets.token_hex(16) + '\n', 0o600)
    return read(NODE_PASSWORD).strip()


def start(config, server):
    """Starts the node's components with the API server at a URL.

    containerd must run, and the certificates of the node must be in agent/. Returns an event that is set when the node is
    registered and annotated.
    """
    for name, client in _CLIENTS.items():
        content = kubeconfig(server, f'{AGENT}/server-ca.crt', f'{AGENT}/{client}')
        write(f'{AGENT}/{name}.kubeconfig', content, 0o600)
    _set_sysctls()
    children.wait(lambda: images.ctr('version').returncode == 0)
    images.import_new(config.role)
    kubelet.start(config)
    _start_kube_proxy(config)
    host = urllib.parse.urlparse(server).hostname
    api = Api(host, f'{AGENT}/server-ca.crt', f'{AGENT}/client-k3s-controller')
    ready = threading.Event()
    background(Network(api, config, ready).run)
    _start_network_policies(config)
    background(images.watch, config.role)
    return ready


def _set_sysctls():
    """Sysctls for the pod network. As in k3s a failure is only a warning, since a container may lack some."""
    for key in (
        'net.ipv4.ip_forward',
        'net.bridge.bridge-nf-call-iptables',
        'net.ipv6.conf.all.forwarding',
        'net.bridge.bridge-nf-call-ip6tables',
    ):
        try:
            with open('/proc/sys/' + key.replace('.', '/'), 'w') as file:
                file.write('1')
        except OSError as error:
            log('warning', f'Failed to set sysctl {key}: {error}')


def _start_kube_proxy(config):
    argv = [
        f'{BIN}/kube-proxy',
        f'--kubeconfig={AGENT}/kubeproxy.kubeconfig',
        f'--cluster-cidr={CLUSTER_CIDR}',
        f'--hostname-override={config.name}',
        '--proxy-mode=iptables',
        # With 0, kube-proxy does not change the sysctls of the host.
        '--conntrack-max-per-core=0',
        '--conntrack-tcp-timeout-established=0s',
        '--conntrack-tcp-timeout-close-wait=0s',
        '--healthz-bind-address=127.0.0.1',
        '--metrics-bind-address=127.0.0.1:10249',
        *config.flags('kube-proxy-arg'),
    ]
    children.start('kube-proxy', argv)


def _start_network_policies(config):
    """Starts kube-router, which is compiled into the real k3s. It is restarted when it exits."""
    if not os.path.exists(f'{BIN}/kube-router'):
        log('warning', 'no kube-router here: network policies are not enforced')
        return
    argv = [
        f'{BIN}/kube-router',
        f'--kubeconfig={AGENT}/k3scontroller.kubeconfig',
        '--run-router=false',
        '--run-service-proxy=false',
        '--run-firewall=true',
        f'--service-cluster-ip-range={SERVICE_CIDR}',
        '--service-node-port-range=30000:32767',
        f'--hostname-override={config.name}',
        '--health-port=0',
        '--iptables-sync-period=5m',
        '--enable-pprof=false',
        '--metrics-port=0',
    ]
    children.start('kube-router', argv, env={'NODE_NAME': config.name}, fatal=False)
