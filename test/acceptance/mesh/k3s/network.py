"""The pod network of a node: CNI configuration, routes to the pods of other nodes, masquerading.

Works like flannel with the backend host-gw. The default of k3s is vxlan; without its tunnel, all nodes must be in one
network.
"""

import ipaddress
import json
import time

from api import internal_ip
from nodeconfig import configure_node
from paths import AGENT, CLUSTER_CIDR
from system import log, run, run_json, write


class Network:
    """Keeps the network of one node up to date. `ready` is set when the Node object has our annotations."""

    def __init__(self, api, config, ready):
        self._api = api
        self._config = config
        self._ready = ready
        self._own = None  # Pod network of this node, e.g. 10.42.1.0/24.
        self._routes = {}  # Pod networks of other nodes to their addresses.

    def run(self):
        """Never returns, so it needs its own thread."""
        configure_node(self._api, self._config)
        self._ready.set()
        rounds = 0
        while True:
            try:
                self._update()
                if self._own:
                    if rounds % 15 == 0:
                        self._repair()
                    rounds += 1
            except Exception as error:  # The next round may succeed.
                log('warning', f'network: {error}')
            time.sleep(2 if self._own else 1)

    def _update(self):
        for node in self._api.items('/api/v1/nodes'):
            network = node['spec'].get('podCIDR')
            if not network:
                continue
            if node['metadata']['name'] != self._config.name:
                self._add_route(network, internal_ip(node))
            elif network != self._own:
                write(f'{AGENT}/etc/cni/net.d/10-flannel.conflist', _cni_configuration(network))
                log('info', f'Running flannel backend. Pod network of this node: {network}')
                self._own = network

    def _add_route(self, network, address):
        if not address or self._routes.get(network) == address:
            return
        if run('ip', 'route', 'replace', network, 'via', address).returncode == 0:
            self._routes[network] = address

    def _repair(self):
        """Removes routes and the bridge of an earlier cluster, and adds missing iptables rules."""
        pods = ipaddress.ip_network(CLUSTER_CIDR)
        for route in run_json('ip', '-j', 'route'):
            gateway = route.get('gateway')
            if gateway and _is_in(route['dst'], pods) and self._routes.get(route['dst']) != gateway:
                run('ip', 'route', 'del', route['dst'], 'via', gateway)
        own = ipaddress.ip_network(self._own)
        for link in run_json('ip', '-j', '-4', 'addr', 'show', 'cni0'):
            if any(not _is_in(address['local'], own) for address in link.get('addr_info', [])):
                run('ip', 'link', 'del', 'cni0')
        _add_rule('nat', 'POSTROUTING', '-s', CLUSTER_CIDR, '-d', CLUSTER_CIDR, '-j', 'RETURN')
        _add_rule('nat', 'POSTROUTING', '-s', CLUSTER_CIDR, '!', '-d', '224.0.0.0/4', '-j', 'MASQUERADE')
        for direction in ('-s', '-d'):
            _add_rule('filter', 'FORWARD', direction, CLUSTER_CIDR, '-j', 'ACCEPT')
        # Makes the next round set every route again, in case other programs removed some.
        self._routes = {}


def _cni_configuration(network):
    bridge = {
        'type': 'bridge',
        'bridge': 'cni0',
        'mtu': 1450,
        'isDefaultGateway': True,
        'hairpinMode': True,
        'forceAddress': True,
        'ipam': {'type': 'host-local', 'ranges': [[{'subnet': network}]], 'dataDir': '/var/lib/cni/networks'},
    }
    port_map = {'type': 'portmap', 'capabilities': {'portMappings': True}, 'snat': True}
    return json.dumps({'name': 'cbr0', 'cniVersion': '1.0.0', 'plugins': [bridge, port_map]}, indent=1)


def _is_in(address, network):
    """Whether an address or network, as `ip` prints it, is in a network; `default` is in none."""
    try:
        return ipaddress.ip_network(address).subnet_of(network)
    except (ValueError, TypeError):
        return False


def _add_rule(table, chain, *rule):
    """Appends an iptables rule unless it is there."""
    if run('iptables', '-w', '5', '-t', table, '-C', chain, *rule).returncode != 0:
        run('iptables', '-w', '5', '-t', table, '-A', chain, *rule)
