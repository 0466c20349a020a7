"""CoreDNS as k3s deploys it: configuration, Deployment and Service."""

from paths import COREDNS_IMAGE, DNS_IP

_CORE = '/api/v1/namespaces/kube-system'
_DEPLOYMENT = '/apis/apps/v1/namespaces/kube-system/deployments/coredns'
_SELECTOR = {'k8s-app': 'kube-dns'}
_LABELS = {**_SELECTOR, 'kubernetes.io/name': 'CoreDNS'}

RULES = [
    {'apiGroups': [''], 'resources': ['endpoints', 'services', 'pods', 'namespaces'], 'verbs': ['list', 'watch']},
    {'apiGroups': ['discovery.k8s.io'], 'resources': ['endpointslices'], 'verbs': ['list', 'watch']},
]

_COREFILE = '''.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    hosts /etc/coredns/NodeHosts {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    import /etc/coredns/custom/*.override
    forward . /etc/resolv.conf
}
import /etc/coredns/custom/*.server
'''


def apply(api):
    """Applies the three objects; the service account and its RBAC exist already."""
    status, found = api.call('GET', f'{_CORE}/configmaps/coredns')
    # Keeps the names of the nodes, which nodes.py writes.
    hosts = found['data'].get('NodeHosts', '') if status == 200 else ''
    api.apply(f'{_CORE}/configmaps/coredns', _config_map(hosts))
    api.apply(_DEPLOYMENT, _deployment())
    api.apply(f'{_CORE}/services/kube-dns', _service())


def _metadata(name, **more):
    return {'name': name, 'namespace': 'kube-system', **more}


def _config_map(hosts):
    data = {'Corefile': _COREFILE, 'NodeHosts': hosts}
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': _metadata('coredns'), 'data': data}


def _deployment():
    return {
        'apiVersion': 'apps/v1',
        'kind': 'Deployment',
        'metadata': _metadata('coredns', labels=_LABELS),
        'spec': {
            'replicas': 1,
            'revisionHistoryLimit': 0,
            'strategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': 1}},
            'selector': {'matchLabels': _SELECTOR},
            'template': {'metadata': {'labels': _SELECTOR}, 'spec': _pod()},
        },
    }


def _pod():
    items = [{'key': name, 'path': name} for name in ('Corefile', 'NodeHosts')]
    return {
        'priorityClassName': 'system-cluster-critical',
        'serviceAccountName': 'coredns',
        'tolerations': [
            {'key': 'CriticalAddonsOnly', 'operator': 'Exists'},
            {'key': 'node-role.kubernetes.io/control-plane', 'operator': 'Exists', 'effect': 'NoSchedule'},
        ],
        'nodeSelector': {'kubernetes.io/os': 'linux'},
        'dnsPolicy': 'Default',
        'containers': [_container()],
        'volumes': [
            {'name': 'config-volume', 'configMap': {'name': 'coredns', 'items': items}},
            {'name': 'custom-config-volume', 'configMap': {'name': 'coredns-custom', 'optional': True}},
        ],
    }


def _container():
    return {
        'name': 'coredns',
        'image': COREDNS_IMAGE,
        'imagePullPolicy': 'IfNotPresent',
        'args': ['-conf', '/etc/coredns/Corefile'],
        'resources': {'limits': {'memory': '170Mi'}, 'requests': {'cpu': '100m', 'memory': '70Mi'}},
        'volumeMounts': [
            {'name': 'config-volume', 'mountPath': '/etc/coredns', 'readOnly': True},
            {'name': 'custom-config-volume', 'mountPath': '/etc/coredns/custom', 'readOnly': True},
        ],
        'ports': [
            {'containerPort': 53, 'name': 'dns', 'protocol': 'UDP'},
            {'containerPort': 53, 'name': 'dns-tcp', 'protocol': 'TCP'},
            {'containerPort': 9153, 'name': 'metrics', 'protocol': 'TCP'},
        ],
        'securityContext': {
            'allowPrivilegeEscalation': False,
            'capabilities': {'add': ['NET_BIND_SERVICE'], 'drop': ['ALL']},
            'readOnlyRootFilesystem': True,
        },
        'livenessProbe': _probe('/health', 8080, initial=60, period=10),
        'readinessProbe': _probe('/ready', 8181, initial=0, period=2),
    }


def _probe(path, port, initial, period):
    return {
        'httpGet': {'path': path, 'port': port, 'scheme': 'HTTP'},
        'timeoutSeconds': 1,
        'successThreshold': 1,
        'failureThreshold': 3,
        'initialDelaySeconds': initial,
        'periodSeconds': period,
    }


def _service():
    return {
        'apiVersion': 'v1',
        'kind': 'Service',
        'metadata': _metadata('kube-dns', labels={**_LABELS, 'kubernetes.io/cluster-service': 'true'}),
        'spec': {
            'selector': _SELECTOR,
            'clusterIP': DNS_IP,
            'clusterIPs': [DNS_IP],
            'ipFamilyPolicy': 'SingleStack',
            'ports': [
                {'name': 'dns', 'port': 53, 'protocol': 'UDP'},
                {'name': 'dns-tcp', 'port': 53, 'protocol': 'TCP'},
                {'name': 'metrics', 'port': 9153, 'protocol': 'TCP'},
            ],
        },
    }
