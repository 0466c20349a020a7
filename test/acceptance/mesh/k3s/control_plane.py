"""etcd, API server, controller manager and scheduler, with the flags that k3s gives them."""

from api import Api
from certificates import kubeconfig
from children import children
from paths import BIN, CLUSTER_CIDR, KUBECONFIG, SERVER, SERVICE_CIDR, TLS
from system import write

_LOCAL = 'https://127.0.0.1:6443'
_ISSUER = 'https://kubernetes.default.svc.cluster.local'
_CONTROLLERS = '*,tokencleaner,-service-lb-controller,-node-route-controller,-cloud-node-lifecycle-controller'


def write_kubeconfigs(config):
    """Writes the kubeconfigs of the administrator and of the components."""
    path = config.get('write-kubeconfig') or KUBECONFIG
    mode = int(str(config.get('write-kubeconfig-mode', '0600')), 8)
    authority = f'{TLS}/server-ca.crt'
    write(path, kubeconfig(_LOCAL, authority, f'{TLS}/client-admin', embed=True), mode)
    for name in ('admin', 'controller', 'scheduler'):
        write(f'{SERVER}/cred/{name}.kubeconfig', kubeconfig(_LOCAL, authority, f'{TLS}/client-{name}'), 0o600)


def start(config):
    """Starts the control plane; returns the administrator's client once the API server is ready."""
    children.start('etcd', _etcd())
    children.start('kube-apiserver', _api_server(config))
    api = Api('127.0.0.1', f'{TLS}/server-ca.crt', f'{TLS}/client-admin')
    children.wait(api.ok)
    children.start('kube-controller-manager', _controller_manager(config))
    children.start('kube-scheduler', _scheduler(config))
    return api


def _etcd():
    clients, peers = 'http://127.0.0.1:2379', 'http://127.0.0.1:2380'
    return [
        'etcd',
        '--name=default',
        f'--data-dir={SERVER}/db/etcd',
        f'--listen-client-urls={clients}',
        f'--advertise-client-urls={clients}',
        f'--listen-peer-urls={peers}',
        f'--initial-advertise-peer-urls={peers}',
        f'--initial-cluster=default={peers}',
        # fsync is not needed because the data of a lab need not survive a power cut.
        '--unsafe-no-fsync',
        '--auto-compaction-retention=1h',
        '--logger=zap',
    ]


def _api_server(config):
    return [
        f'{BIN}/kube-apiserver',
        '--etcd-servers=http://127.0.0.1:2379',
        f'--advertise-address={config.get("advertise-address", config.ip)}',
        '--secure-port=6443',
        '--bind-address=0.0.0.0',
        '--anonymous-auth=false',
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--allow-privileged=true',
        f'--client-ca-file={TLS}/client-ca.crt',
        f'--tls-cert-file={TLS}/serving-kube-apiserver.crt',
        f'--tls-private-key-file={TLS}/serving-kube-apiserver.key',
        f'--kubelet-certificate-authority={TLS}/server-ca.crt',
        f'--kubelet-client-certificate={TLS}/client-kube-apiserver.crt',
        f'--kubelet-client-key={TLS}/client-kube-apiserver.key',
        '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
        f'--service-account-key-file={TLS}/service.key',
        f'--service-account-signing-key-file={TLS}/service.key',
        f'--service-account-issuer={_ISSUER}',
        f'--api-audiences={_ISSUER},k3s',
        f'--service-cluster-ip-range={SERVICE_CIDR}',
        f'--requestheader-client-ca-file={TLS}/request-header-ca.crt',
        '--requestheader-allowed-names=system:auth-proxy',
        '--requestheader-extra-headers-prefix=X-Remote-Extra-',
        '--requestheader-group-headers=X-Remote-Group',
        '--requestheader-username-headers=X-Remote-User',
        f'--proxy-client-cert-file={TLS}/client-auth-proxy.crt',
        f'--proxy-client-key-file={TLS}/client-auth-proxy.key',
        '--enable-aggregator-routing=true',
        '--profiling=false',
        '--enable-bootstrap-token-auth=true',
        *config.flags('kube-apiserver-arg'),
    ]


def _controller_manager(config):
    return [
        f'{BIN}/kube-controller-manager',
        *_common('controller'),
        '--use-service-account-credentials=true',
        '--allocate-node-cidrs=true',
        f'--cluster-cidr={CLUSTER_CIDR}',
        f'--service-cluster-ip-range={SERVICE_CIDR}',
        f'--controllers={_CONTROLLERS}',
        f'--cluster-signing-cert-file={TLS}/client-ca.crt',
        f'--cluster-signing-key-file={TLS}/client-ca.key',
        f'--root-ca-file={TLS}/server-ca.crt',
        f'--service-account-private-key-file={TLS}/service.key',
        *config.flags('kube-controller-manager-arg'),
    ]


def _scheduler(config):
    return [f'{BIN}/kube-scheduler', *_common('scheduler'), *config.flags('kube-scheduler-arg')]


def _common(name):
    path = f'{SERVER}/cred/{name}.kubeconfig'
    return [
        f'--kubeconfig={path}',
        f'--authentication-kubeconfig={path}',
        f'--authorization-kubeconfig={path}',
        '--bind-address=127.0.0.1',
        '--leader-elect=false',
        '--profiling=false',
    ]
