"""Annotations and labels of a Node object, as k3s sets them.

Source: pkg/nodeconfig and pkg/agent/run.go of k3s-io/k3s.
"""

import base64
import hashlib
import json
import os
import time

from system import log

_OMITTED = '********'
_SECRETS = frozenset(
    'K3S_TOKEN K3S_DATASTORE_ENDPOINT K3S_AGENT_TOKEN K3S_CLUSTER_SECRET AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY '
    '--token -t --agent-token --datastore-endpoint --cluster-secret --etcd-s3-access-key --etcd-s3-secret-key'.split()
)


def annotations(config, environment):
    """Annotations of the Node: host name and address, and the arguments and environment of k3s."""
    args = _json(_without_secrets([config.role, *config.arguments]))
    given = {key: value for key, value in environment.items() if key.startswith('K3S_')}
    env = _json({key: _OMITTED if key in _SECRETS else given[key] for key in sorted(given)})
    digest = hashlib.sha256((args + env).encode()).digest()
    return {
        'k3s.io/hostname': config.name,
        'k3s.io/internal-ip': config.ip,
        'k3s.io/node-args': args,
        'k3s.io/node-env': env,
        'k3s.io/node-config-hash': base64.b32encode(digest).decode(),
    }


def configure_node(api, config):
    """Waits for the Node object, then sets its annotations and the labels of the configuration."""
    labels = dict(label.partition('=')[::2] for label in config.words('node-label'))
    patch = {'metadata': {'annotations': annotations(config, os.environ), 'labels': labels}}
    path = f'/api/v1/nodes/{config.name}'
    while True:
        try:
            status = api.merge(path, patch)
            if status == 200:
                log('info', f'Annotations and labels have been set successfully on node: {config.name}')
                return
            # 404 until the kubelet has registered the node.
            if status != 404:
                log('info', f'Failed to set annotations and labels on node {config.name}: {status}')
        except Exception as error:  # The server may not be ready; the next attempt may succeed.
            log('info', f'Failed to set annotations and labels on node {config.name}: {error}')
        time.sleep(0.5)


def _without_secrets(arguments):
    hidden = list(arguments)
    for index, argument in enumerate(arguments[:-1]):
        if argument in _SECRETS:
            hidden[index + 1] = _OMITTED
    return hidden


def _json(value):
    """JSON as Go writes it: no spaces, and three characters escaped."""
    text = json.dumps(value, separators=(',', ':'), ensure_ascii=False)
    return text.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e')
