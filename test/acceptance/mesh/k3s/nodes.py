"""The server's controller for Node objects: roles, host names in CoreDNS, and passwords of deleted nodes."""

from api import internal_ip
from join import release_name
from system import log

_COREDNS = '/api/v1/namespaces/kube-system/configmaps/coredns'
# Keeps a deleted Node object until its password has been deleted.
_FINALIZER = 'wrangler.cattle.io/node'
_ROLES = {'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/master': 'true'}


class Nodes:
    """Reconciles the Node objects of the cluster. `server` is the name of the server's own node."""

    def __init__(self, api, server):
        self._api = api
        self._server = server
        self._seen = frozenset()

    def update(self):
        """Runs one round."""
        nodes = self._api.items('/api/v1/nodes')
        leaving = [node for node in nodes if node['metadata'].get('deletionTimestamp')]
        staying = [node for node in nodes if node not in leaving]
        for node in leaving:
            self._release(node)
        for node in staying:
            self._mark(node)
        self._publish_hosts(staying)
        # A node that was deleted before it had the finalizer.
        for name in self._seen - {node['metadata']['name'] for node in nodes}:
            self._forget(name)
        self._seen = frozenset(node['metadata']['name'] for node in staying)

    def _mark(self, node):
        meta = node['metadata']
        wanted = _ROLES if meta['name'] == self._server else {}
        if any(meta.get('labels', {}).get(key) != value for key, value in wanted.items()):
            self._api.merge(_path(node), {'metadata': {'labels': wanted}})
        finalizers = meta.get('finalizers', [])
        if _FINALIZER not in finalizers:
            self._set_finalizers(node, [*finalizers, _FINALIZER])

    def _release(self, node):
        finalizers = node['metadata'].get('finalizers', [])
        if _FINALIZER in finalizers:
            self._forget(node['metadata']['name'])
            self._set_finalizers(node, [each for each in finalizers if each != _FINALIZER])

    def _set_finalizers(self, node, finalizers):
        """A conflict (409) is ignored, since the next round tries again."""
        version = node['metadata']['resourceVersion']
        self._api.merge(_path(node), {'metadata': {'resourceVersion': version, 'finalizers': finalizers}})

    def _forget(self, name):
        log('info', f'node {name} was deleted: forgetting its password')
        release_name(self._api, name)

    def _publish_hosts(self, nodes):
        """Writes the nodes' names and addresses where CoreDNS reads them."""
        by_name = sorted(nodes, key=lambda node: node['metadata']['name'])
        lines = [f'{internal_ip(node)} {node["metadata"]["name"]}\n' for node in by_name if internal_ip(node)]
        hosts = ''.join(lines)
        status, found = self._api.call('GET', _COREDNS)
        if status == 200 and found['data'].get('NodeHosts') != hosts:
            self._api.merge(_COREDNS, {'data': {'NodeHosts': hosts}})


def _path(node):
    return f'/api/v1/nodes/{node["metadata"]["name"]}'
