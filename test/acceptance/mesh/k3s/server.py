"""`k3s server`: the control plane and the node that it runs on."""

import os
import time

import addons
import containerd
import control_plane
import join
import node
import nodes
import servicelb
import tokens
from children import children
from paths import AGENT, SERVER, TLS
from pki import make_cluster_certificates, node_files
from system import background, log, notify, write_all
from version import VERSION


def run(config):
    """Runs the server; never returns."""
    disabled = frozenset(config.words('disable'))
    log('info', f'Starting k3s {VERSION} (stand-in)')
    os.makedirs(TLS, mode=0o700, exist_ok=True)
    os.makedirs(f'{SERVER}/db', mode=0o700, exist_ok=True)
    os.makedirs(AGENT, exist_ok=True)
    containerd.start(config)
    make_cluster_certificates(config)
    passwords = tokens.write_tokens(config)
    control_plane.write_kubeconfigs(config)
    api = control_plane.start(config)
    background(join.serve, api, passwords)
    addons.apply(api, disabled)
    # As in k3s, the node and CoreDNS may not be ready yet.
    log('info', 'k3s is up and running')
    notify('READY=1')
    write_all(AGENT, node_files(config.name, config.ip))
    join.claim_name(api, config.name, node.password())
    node.start(config, 'https://127.0.0.1:6443')
    background(_repeat, nodes.Nodes(api, config.name).update)
    if 'servicelb' not in disabled:
        background(_repeat, servicelb.ServiceLB(api).update)
    children.watch()


def _repeat(update):
    """Calls a function every second; never returns. Failures are logged."""
    while True:
        try:
            update()
        except Exception as error:
            log('warning', f'{update.__qualname__}: {error!r}')
        time.sleep(1)
