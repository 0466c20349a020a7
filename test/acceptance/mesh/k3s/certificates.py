"""Keys and certificates, created with openssl. A "stem" is a path without .key or .crt."""

import base64
import os
import re
import secrets
import subprocess
import threading
import time

from system import read, write

# Agents that join at the same time request certificates in parallel threads.
_one_at_a_time = threading.Lock()

_KUBECONFIG = '''apiVersion: v1
clusters:
- cluster:
    {authority}
    server: {server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    {certificate}
    {key}
'''


def openssl(*argv, data=None):
    """Runs openssl and returns its stdout; raises RuntimeError with its stderr."""
    result = subprocess.run(['openssl', *argv], input=data, capture_output=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stderr.decode())
    return result.stdout


def make_key(path):
    """Creates a private key unless it exists."""
    if not os.path.exists(path):
        write(path, openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout'), 0o600)


def make_authority(stem):
    """Creates a certificate authority for ten years unless it exists."""
    if os.path.exists(f'{stem}.crt'):
        return
    make_key(f'{stem}.key')
    name = f'/CN=k3s-{os.path.basename(stem)}@{int(time.time())}'
    usage = 'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign'
    certificate = openssl(
        'req', '-x509', '-new', '-key', f'{stem}.key', '-days', '3650', '-subj', name,
        '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', usage,
    )  # fmt: skip
    write(f'{stem}.crt', certificate)


def make_certificate(authority, stem, subject, usage, names=(), renew=False):
    """Creates a key and a certificate chain for a year unless they exist.

    `usage` is clientAuth or serverAuth, `names` is a list of `DNS:…` and `IP:…`. `renew` replaces the certificate and
    keeps the key.
    """
    with _one_at_a_time:
        if os.path.exists(f'{stem}.crt') and not renew:
            return
        make_key(f'{stem}.key')
        request = openssl('req', '-new', '-key', f'{stem}.key', '-subj', subject)
        extensions = ['keyUsage=critical,digitalSignature,keyEncipherment', f'extendedKeyUsage={usage}']
        if names:
            extensions.append('subjectAltName=' + ','.join(names))
        write(f'{stem}.ext', '\n'.join(extensions) + '\n')
        certificate = openssl(
            'x509', '-req', '-CA', f'{authority}.crt', '-CAkey', f'{authority}.key', '-days', '365',
            '-set_serial', '0x' + secrets.token_hex(15), '-extfile', f'{stem}.ext', data=request,
        )  # fmt: skip
        os.remove(f'{stem}.ext')
        write(f'{stem}.crt', certificate.decode() + read(f'{authority}.crt'))


def alternative_name(address):
    """An address or a host name in the form that openssl wants."""
    return ('IP:' if re.fullmatch(r'[0-9.]+|.*:.*', address) else 'DNS:') + address


def kubeconfig(server, authority, stem, embed=False):
    """A kubeconfig for a client certificate, with the files named in it or, with `embed`, contained in it."""

    def entry(key, path):
        return f'{key}-data: {_base64(path)}' if embed else f'{key}: {path}'

    return _KUBECONFIG.format(
        server=server,
        authority=entry('certificate-authority', authority),
        certificate=entry('client-certificate', f'{stem}.crt'),
        key=entry('client-key', f'{stem}.key'),
    )


def _base64(path):
    with open(path, 'rb') as file:
        return base64.b64encode(file.read()).decode()
