"""`k3s agent`: joins this machine to a server and runs it as a node."""

import base64
import hashlib
import http.client
import json
import os
import ssl
import time
import urllib.parse

import containerd
import node
import tokens
from children import children
from paths import AGENT, JOIN_PORT
from system import die, log, notify, write_all
from version import VERSION

_PASSWORD_REJECTED = (
    "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server "
    'node-passwd entry, try enabling a unique node name with the --with-node-id flag'
)
_NO_HASH = (
    'Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. '
    "Use the full token from the server's node-token file to enable Cluster CA validation."
)


class NotJoined(Exception):
    """The server did not accept this node; another attempt may succeed."""

    def __init__(self, level, text, pause):
        super().__init__(text)
        self.level = level
        self.pause = pause


def run(config):
    """Runs the agent; never returns. It retries joining without a limit."""
    token = tokens.given(config, 'token') or die('--token is required')
    url = config.get('server') or die('--server is required')
    log('info', f'Starting k3s agent {VERSION} (stand-in)')
    os.makedirs(AGENT, exist_ok=True)
    containerd.start(config)
    write_all(AGENT, _join(config, url, str(token).strip()))
    ready = node.start(config, url)
    children.wait(ready.is_set, 0.5)
    log('info', 'k3s agent is up and running')
    notify('READY=1')
    children.watch()


def _join(config, url, token):
    """Joins the server; returns the node's certificates and keys by file name."""
    while True:
        children.check()
        try:
            return _ask(config, url, token)
        except NotJoined as answer:
            log(answer.level, str(answer))
            time.sleep(answer.pause)


def _ask(config, url, token):
    host = urllib.parse.urlparse(url).hostname
    digest, user, password = tokens.parse(token)
    failed = f'Failed to validate connection to cluster at {url}: '
    try:
        authority = _authority(host)
        found = hashlib.sha256(authority).hexdigest()
        if digest is None:
            log('warning', _NO_HASH)
        elif digest != found:
            text = f'token CA hash does not match the Cluster CA certificate hash: {digest} != {found}'
            raise NotJoined('error', failed + text, 2)
        status, body = _certificates(config, host, authority, f'{user}:{password}')
    except (OSError, http.client.HTTPException) as error:
        raise NotJoined('error', failed + _reason(error, host), 2) from error
    if status == 200:
        return json.loads(body)
    if status == 401:
        raise NotJoined('error', f'{failed}401 Unauthorized', 2)
    reason = _PASSWORD_REJECTED if status == 403 else body.strip()
    raise NotJoined('info', f'Waiting to retrieve agent configuration; server is not ready: {reason}', 5)


def _authority(host):
    """The server's CA certificate, fetched over an unverified connection and verified with the hash in the token."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, JOIN_PORT, timeout=10, context=trusting)
    try:
        connection.request('GET', '/cacerts')
        return connection.getresponse().read()
    finally:
        connection.close()


def _certificates(config, host, authority, credentials):
    """Requests the certificates of this node; returns status and body of the response."""
    strict = ssl.create_default_context(cadata=authority.decode())
    connection = http.client.HTTPSConnection(host, JOIN_PORT, timeout=20, context=strict)
    body = {'name': config.name, 'ip': config.ip, 'password': node.password()}
    headers = {'Authorization': 'Basic ' + base64.b64encode(credentials.encode()).decode()}
    try:
        connection.request('POST', '/v1-k3s/join', json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _reason(error, host):
    """The message that Go prints for a failed connection, which tools search for in the journal."""
    address = f'{host}:{JOIN_PORT}'
    if isinstance(error, ssl.SSLCertVerificationError):
        return f'CA cert validation failed: tls: failed to verify certificate: x509: {error.verify_message}'
    if isinstance(error, TimeoutError) and error.errno is None:
        return f'failed to get CA certs: Get "https://{address}/cacerts": dial tcp {address}: i/o timeout'
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        words = (error.strerror or str(error)).lower()
        return f'failed to get CA certs: Get "https://{address}/cacerts": dial tcp {address}: connect: {words}'
    return str(error)
