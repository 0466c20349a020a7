"""The server's side of joining: a small HTTPS server for agents.

The real k3s uses port 6443, which it shares with the API server, and several requests. Here it is port 9345 and one request
that returns the certificates of the node.
"""

import base64
import hashlib
import http.server
import json
import secrets
import ssl
import traceback

from paths import JOIN_PORT, TLS
from pki import node_files

_SECRETS = '/api/v1/namespaces/kube-system/secrets'


def claim_name(api, name, password):
    """Whether a node may use a name. The first node stores a hash of its password in a Secret."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    secret = f'{name}.node-password.k3s'
    status, found = api.call('GET', f'{_SECRETS}/{secret}')
    if status == 200:
        return base64.b64decode(found['data']['hash']).decode() == digest
    body = {
        'apiVersion': 'v1',
        'kind': 'Secret',
        'metadata': {'name': secret},
        'immutable': True,
        'data': {'hash': base64.b64encode(digest.encode()).decode()},
    }
    status, _ = api.call('POST', _SECRETS, body)
    if status >= 300:
        raise RuntimeError(f'node password: {status}')
    return True


def release_name(api, name):
    """Deletes the password of a node, so that another machine may use the name."""
    status, _ = api.call('DELETE', f'{_SECRETS}/{name}.node-password.k3s')
    if status not in (200, 404):
        raise RuntimeError(f'node password of {name}: {status}')


def serve(api, passwords):
    """Serves agents; never returns. `passwords` are those of the tokens, by user."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f'{TLS}/serving-kube-apiserver.crt', f'{TLS}/serving-kube-apiserver.key')
    server = _Server(('', JOIN_PORT), _Handler)
    server.api, server.passwords, server.tls = api, passwords, tls
    server.serve_forever()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, client_address):
        # The handshake runs in the thread of the request, so that a silent client does not block others.
        request.settimeout(20)
        super().finish_request(self.tls.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request, client_address):
        """Broken connections are not logged, since agents retry."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        """No access log."""

    def do_GET(self):
        if self.path == '/cacerts':
            with open(f'{TLS}/server-ca.crt', 'rb') as file:
                self._answer(200, file.read())
        elif self.path == '/ping':
            self._answer(200, b'pong')
        else:
            self._answer(404, b'not found')

    def do_POST(self):
        try:
            status, text = self._join(json.loads(self.rfile.read(int(self.headers.get('Content-Length', 0)))))
            self._answer(status, text.encode(), 'application/json' if status == 200 else 'text/plain')
        except Exception as error:  # The agent logs the text and retries.
            traceback.print_exc()
            self._answer(500, str(error).encode())

    def _join(self, body):
        """Handles a join request; returns status and text."""
        if not self._authorized():
            return 401, 'Unauthorized'
        if not self.server.api.ok():
            return 503, 'apiserver not ready'
        if not claim_name(self.server.api, body['name'], body['password']):
            return 403, 'node password rejected'
        return 200, json.dumps(node_files(body['name'], body['ip']))

    def _authorized(self):
        scheme, _, encoded = self.headers.get('Authorization', '').partition(' ')
        user, _, password = base64.b64decode(encoded).decode().partition(':')
        expected = self.server.passwords.get(user)
        return scheme == 'Basic' and expected is not None and secrets.compare_digest(expected, password)

    def _answer(self, status, content, kind='text/plain'):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(content)
