"""The DaemonSet for a Service of type LoadBalancer, with one container of klipper-lb per port."""

from paths import KLIPPER_IMAGE

_PREFIX = 'svccontroller.k3s.cattle.io/'
SERVICE_NAME = f'{_PREFIX}svcname'
ENABLE = f'{_PREFIX}enablelb'


def name(service):
    """Name of the DaemonSet of a Service, as in k3s."""
    meta = service['metadata']
    return f'svclb-{meta["name"][:48]}-{meta["uid"][:8]}'


def is_local(service):
    """Whether only nodes with a local endpoint serve the Service."""
    return service['spec'].get('externalTrafficPolicy') == 'Local'


def daemon_set(service, restricted):
    """The DaemonSet of a Service; with `restricted` only on nodes with the label enablelb=true."""
    app, meta = name(service), service['metadata']
    owner = {SERVICE_NAME: meta['name'], f'{_PREFIX}svcnamespace': meta['namespace']}
    labels = {f'{_PREFIX}nodeselector': str(restricted).lower(), **owner}
    return {
        'apiVersion': 'apps/v1',
        'kind': 'DaemonSet',
        'metadata': {'name': app, 'namespace': 'kube-system', 'labels': labels},
        'spec': {
            'selector': {'matchLabels': {'app': app}},
            'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': 1}},
            'template': {'metadata': {'labels': {'app': app, **owner}}, 'spec': _pod(service, restricted)},
        },
    }


def _pod(service, restricted):
    pod = {
        'serviceAccountName': 'svclb',
        'automountServiceAccountToken': False,
        'priorityClassName': 'system-node-critical',
        'securityContext': {'sysctls': [{'name': 'net.ipv4.ip_forward', 'value': '1'}]},
        'containers': [_container(service, port) for port in service['spec']['ports']],
        'tolerations': [
            {'key': 'node-role.kubernetes.io/master', 'operator': 'Exists', 'effect': 'NoSchedule'},
            {'key': 'node-role.kubernetes.io/control-plane', 'operator': 'Exists', 'effect': 'NoSchedule'},
            {'key': 'CriticalAddonsOnly', 'operator': 'Exists'},
        ],
    }
    return {**pod, 'nodeSelector': {ENABLE: 'true'}} if restricted else pod


def _container(service, port):
    title, protocol = f'lb-{port["protocol"].lower()}-{port["port"]}', port['protocol']
    ports = {'name': title, 'containerPort': port['port'], 'hostPort': port['port'], 'protocol': protocol}
    return {
        'name': title,
        'image': KLIPPER_IMAGE,
        'imagePullPolicy': 'IfNotPresent',
        'ports': [ports],
        'env': _environment(service['spec'], port, is_local(service)),
        'securityContext': {'capabilities': {'add': ['NET_ADMIN']}},
    }


def _environment(spec, port, local):
    """Environment of klipper-lb with its target: the node port, or the address of the Service."""
    ranges = spec.get('loadBalancerSourceRanges') or ['0.0.0.0/0']
    if local:
        host = {'apiVersion': 'v1', 'fieldPath': 'status.hostIPs'}
        target = [
            {'name': 'DEST_PORT', 'value': str(port['nodePort'])},
            {'name': 'DEST_IPS', 'valueFrom': {'fieldRef': host}},
        ]
    else:
        target = [
            {'name': 'DEST_PORT', 'value': str(port['port'])},
            {'name': 'DEST_IPS', 'value': ','.join(spec['clusterIPs'])},
        ]
    return [
        {'name': 'SRC_PORT', 'value': str(port['port'])},
        {'name': 'SRC_RANGES', 'value': ','.join(ranges)},
        {'name': 'DEST_PROTO', 'value': port['protocol']},
        *target,
    ]
