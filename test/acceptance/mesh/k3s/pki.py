"""The certificates of the cluster and of each node, with the file names of k3s."""

import os

from certificates import alternative_name, make_authority, make_certificate, make_key
from paths import API_IP, TLS
from system import read

_CLIENTS = {
    'client-admin': '/O=system:masters/CN=system:admin',
    'client-controller': '/CN=system:kube-controller-manager',
    'client-scheduler': '/CN=system:kube-scheduler',
    'client-kube-apiserver': '/O=system:masters/CN=system:apiserver',
    'client-kube-proxy': '/CN=system:kube-proxy',
    'client-k3s-controller': '/CN=system:k3s-controller',
}
_SERVICE = ('kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local')


def make_cluster_certificates(config):
    """Creates missing certificates. The API server's is renewed at every start, since addresses may change."""
    for authority in ('server-ca', 'client-ca', 'request-header-ca'):
        make_authority(f'{TLS}/{authority}')
    make_key(f'{TLS}/service.key')
    addresses = [*_SERVICE, 'localhost', config.name, '127.0.0.1', '::1', API_IP, config.ip, *config.words('tls-san')]
    names = [alternative_name(address) for address in addresses]
    _make('server-ca', 'serving-kube-apiserver', '/CN=kube-apiserver', 'serverAuth', names, renew=True)
    for name, subject in _CLIENTS.items():
        _make('client-ca', name, subject, 'clientAuth')
    _make('request-header-ca', 'client-auth-proxy', '/CN=system:auth-proxy', 'clientAuth')


def node_files(name, ip):
    """The certificates and keys of a node by file name; creates missing ones."""
    os.makedirs(f'{TLS}/nodes/{name}', exist_ok=True)
    kubelet, serving = f'nodes/{name}/client-kubelet', f'nodes/{name}/serving-kubelet'
    _make('client-ca', kubelet, f'/O=system:nodes/CN=system:node:{name}', 'clientAuth')
    addresses = [alternative_name(address) for address in (name, 'localhost', '127.0.0.1', ip)]
    _make('server-ca', serving, f'/CN={name}', 'serverAuth', addresses, renew=True)
    files = {f'{each}.crt': read(f'{TLS}/{each}.crt') for each in ('client-ca', 'server-ca')}
    for stem in (kubelet, serving, 'client-kube-proxy', 'client-k3s-controller'):
        for kind in ('crt', 'key'):
            files[f'{os.path.basename(stem)}.{kind}'] = read(f'{TLS}/{stem}.{kind}')
    return files


def _make(authority, name, *details, **options):
    make_certificate(f'{TLS}/{authority}', f'{TLS}/{name}', *details, **options)
