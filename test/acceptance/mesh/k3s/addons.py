"""Objects that k3s applies at every start: RBAC of its own client, CoreDNS, the service account of ServiceLB."""

import coredns

_RBAC = '/apis/rbac.authorization.k8s.io/v1'
_RBAC_GROUP = 'rbac.authorization.k8s.io'
_CONTROLLER_RULES = [
    {
        'apiGroups': [''],
        'resources': ['nodes', 'nodes/status', 'pods', 'namespaces', 'services', 'endpoints', 'configmaps'],
        'verbs': ['get', 'list', 'watch', 'update', 'patch'],
    },
    {'apiGroups': ['networking.k8s.io'], 'resources': ['networkpolicies'], 'verbs': ['get', 'list', 'watch']},
    {'apiGroups': ['discovery.k8s.io'], 'resources': ['endpointslices'], 'verbs': ['get', 'list', 'watch']},
]


def apply(api, disabled):
    """Applies all addons that are not disabled. Addons that are disabled later are not removed."""
    _apply_role(api, 'system:k3s-controller', _CONTROLLER_RULES)
    user = {'kind': 'User', 'apiGroup': _RBAC_GROUP, 'name': 'system:k3s-controller'}
    _apply_binding(api, 'system:k3s-controller', user)
    if 'coredns' not in disabled:
        _apply_account(api, 'coredns')
        _apply_role(api, 'system:coredns', coredns.RULES)
        account = {'kind': 'ServiceAccount', 'name': 'coredns', 'namespace': 'kube-system'}
        _apply_binding(api, 'system:coredns', account)
        coredns.apply(api)
    if 'servicelb' not in disabled:
        _apply_account(api, 'svclb')


def _apply_role(api, name, rules):
    role = {'apiVersion': f'{_RBAC_GROUP}/v1', 'kind': 'ClusterRole', 'metadata': {'name': name}, 'rules': rules}
    api.apply(f'{_RBAC}/clusterroles/{name}', role)


def _apply_binding(api, name, subject):
    """Binds a role to one user or service account."""
    binding = {
        'apiVersion': f'{_RBAC_GROUP}/v1',
        'kind': 'ClusterRoleBinding',
        'metadata': {'name': name},
        'roleRef': {'apiGroup': _RBAC_GROUP, 'kind': 'ClusterRole', 'name': name},
        'subjects': [subject],
    }
    api.apply(f'{_RBAC}/clusterrolebindings/{name}', binding)


def _apply_account(api, name):
    metadata = {'name': name, 'namespace': 'kube-system'}
    account = {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': metadata}
    api.apply(f'/api/v1/namespaces/kube-system/serviceaccounts/{name}', account)
