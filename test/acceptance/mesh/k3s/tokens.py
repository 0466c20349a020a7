"""Join tokens. The secure form is `K10<sha256 of the CA certificate>::<user>:<password>`; others are short tokens."""

import hashlib
import os
import re
import secrets

from config import wait_for_file
from paths import SERVER, TLS
from system import read, write

_SECURE = re.compile(r'K10([0-9a-f]{64})::(\w+):(.+)')


def parse(token):
    """Hash, user and password of a token. A short token has no hash (None), and its user is `node`."""
    match = _SECURE.fullmatch(token.strip())
    return match.groups() if match else (None, 'node', token)


def given(config, key):
    """The token of `key-file`, or of `key` itself, or None."""
    path = config.get(f'{key}-file')
    return wait_for_file(path) if path else config.get(key)


def write_tokens(config):
    """Writes server/token, node-token and agent-token; returns the passwords by user."""
    server = _write_token(f'{SERVER}/token', given(config, 'token'), 'server')
    _link(f'{SERVER}/node-token')
    agent = given(config, 'agent-token')
    if agent:
        return {'server': server, 'node': _write_token(f'{SERVER}/agent-token', agent, 'node')}
    _link(f'{SERVER}/agent-token')
    return {'server': server, 'node': server}


def _write_token(path, token, user):
    """Writes a token in its secure form. Keeps the password of an earlier start unless one is given."""
    if token:
        password = parse(str(token))[2].strip()
    elif os.path.exists(path):
        password = parse(read(path))[2].strip()
    else:
        password = secrets.token_hex(16)
    with open(f'{TLS}/server-ca.crt', 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    write(path, f'K10{digest}::{user}:{password}\n', 0o600)
    return password


def _link(path):
    """Links to the server's token unless the file exists."""
    if not os.path.lexists(path):
        os.symlink(f'{SERVER}/token', path)
