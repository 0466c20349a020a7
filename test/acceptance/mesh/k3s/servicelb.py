"""ServiceLB, the load balancer of k3s: a DaemonSet for each Service of type LoadBalancer, and the Service's status.

Names, labels and status are those of pkg/cloudprovider/servicelb.go. Events and lbpool are not implemented.
"""

import json
import urllib.parse

import klipper
from api import internal_ip

_DAEMON_SETS = '/apis/apps/v1/namespaces/kube-system/daemonsets'
_OURS = 'labelSelector=' + urllib.parse.quote(klipper.SERVICE_NAME)


class ServiceLB:
    """Reconciles the Services of the cluster."""

    def __init__(self, api):
        self._api = api
        self._applied = {}  # Last applied object by name of the DaemonSet.

    def update(self):
        """Runs one round."""
        services = [service for service in self._api.items('/api/v1/services') if _is_ours(service)]
        nodes = {node['metadata']['name']: node for node in self._api.items('/api/v1/nodes')}
        self._update_daemon_sets(services, nodes)
        if services:
            pods = self._api.items(f'/api/v1/namespaces/kube-system/pods?{_OURS}')
            for service in services:
                self._update_status(service, pods, nodes)

    def _update_daemon_sets(self, services, nodes):
        existing = {each['metadata']['name'] for each in self._api.items(f'{_DAEMON_SETS}?{_OURS}')}
        # All nodes serve unless at least one has the label; then only labeled nodes do.
        restricted = any(klipper.ENABLE in node['metadata'].get('labels', {}) for node in nodes.values())
        # Oldest first: of two Services with the same port the older one gets it.
        for service in sorted(services, key=lambda each: each['metadata']['creationTimestamp']):
            name, wanted = klipper.name(service), klipper.daemon_set(service, restricted)
            content = json.dumps(wanted, sort_keys=True)
            if name not in existing or self._applied.get(name) != content:
                self._api.apply(f'{_DAEMON_SETS}/{name}', wanted)
                self._applied[name] = content
        for name in existing - {klipper.name(service) for service in services}:
            self._api.call('DELETE', f'{_DAEMON_SETS}/{name}?propagationPolicy=Background')
            self._applied.pop(name, None)

    def _update_status(self, service, pods, nodes):
        """Writes the addresses of the nodes whose pod for this Service is ready, sorted as strings as in k3s."""
        serving = self._nodes_with_endpoints(service)
        addresses = set()
        for pod in pods:
            name = pod['spec'].get('nodeName')
            if pod['metadata']['labels'].get('app') != klipper.name(service) or not _is_ready(pod):
                continue
            if name in nodes and (serving is None or name in serving):
                addresses.add(internal_ip(nodes[name]))
        wanted = sorted(addresses - {None})
        found = service.get('status', {}).get('loadBalancer', {}).get('ingress') or []
        if [entry.get('ip') for entry in found] != wanted:
            ingress = [{'ip': address} for address in wanted] or None
            self._api.merge(f'{_path(service)}/status', {'status': {'loadBalancer': {'ingress': ingress}}})

    def _nodes_with_endpoints(self, service):
        """Nodes with a ready endpoint if the Service has externalTrafficPolicy: Local, otherwise None."""
        if not klipper.is_local(service):
            return None
        meta = service['metadata']
        path = f'/apis/discovery.k8s.io/v1/namespaces/{meta["namespace"]}/endpointslices'
        slices = self._api.items(f'{path}?labelSelector=kubernetes.io/service-name%3D{meta["name"]}')
        endpoints = [endpoint for each in slices for endpoint in each.get('endpoints') or []]
        return {each.get('nodeName') for each in endpoints if each.get('conditions', {}).get('ready')}


def _is_ours(service):
    spec = service['spec']
    if spec.get('type') != 'LoadBalancer' or spec.get('loadBalancerClass'):
        return False
    return not service['metadata'].get('deletionTimestamp')


def _is_ready(pod):
    status = pod['status']
    if not status.get('podIP') or pod['metadata'].get('deletionTimestamp'):
        return False
    return any(each['type'] == 'Ready' and each['status'] == 'True' for each in status.get('conditions', []))


def _path(service):
    meta = service['metadata']
    return f'/api/v1/namespaces/{meta["namespace"]}/services/{meta["name"]}'
