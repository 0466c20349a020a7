"""A client of the Kubernetes API with a client certificate."""

import http.client
import json
import ssl
import threading

from paths import API_PORT

MERGE_PATCH = 'application/merge-patch+json'
APPLY_PATCH = 'application/apply-patch+yaml'


class Api:
    """A client of one API server; each thread has its own connection."""

    def __init__(self, host, authority, stem):
        self._host = host
        self._thread = threading.local()
        self._tls = ssl.create_default_context(cafile=authority)
        self._tls.load_cert_chain(f'{stem}.crt', f'{stem}.key')

    def call(self, method, path, body=None, kind='application/json'):
        """Returns status and body, parsed if it is JSON. Raises OSError or HTTPException if there is no response."""
        headers = {'Content-Type': kind, 'Accept': 'application/json'}
        content = None if body is None else json.dumps(body)
        for last in (False, True):
            connection = self._connection()
            try:
                connection.request(method, path, content, headers)
                response = connection.getresponse()
                return response.status, _parsed(response.read())
            except (OSError, http.client.HTTPException):
                # The server may have closed an idle connection, so one retry uses a new one.
                connection.close()
                self._thread.connection = None
                if last:
                    raise

    def _connection(self):
        if getattr(self._thread, 'connection', None) is None:
            self._thread.connection = http.client.HTTPSConnection(self._host, API_PORT, timeout=15, context=self._tls)
        return self._thread.connection

    def ok(self, path='/readyz'):
        """Whether a GET of the path returns 200."""
        try:
            return self.call('GET', path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def items(self, path):
        """The objects of a list; raises RuntimeError on an error response."""
        status, answer = self.call('GET', path)
        if status != 200:
            raise RuntimeError(f'GET {path}: {status}')
        return answer['items']

    def apply(self, path, body):
        """Server-side apply of one object; raises RuntimeError if it is refused."""
        status, answer = self.call('PATCH', f'{path}?fieldManager=k3s&force=true', body, APPLY_PATCH)
        if status >= 300:
            raise RuntimeError(f'apply {path}: {status} {json.dumps(answer)[:400]}')

    def merge(self, path, body):
        """Merge patch of one object; returns the status."""
        return self.call('PATCH', path, body, MERGE_PATCH)[0]


def _parsed(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors='replace')


def internal_ip(node):
    """The InternalIP of a Node object, or None."""
    addresses = node['status'].get('addresses', [])
    return next((each['address'] for each in addresses if each['type'] == 'InternalIP'), None)
