"""Paths and networks of the cluster. Paths are those of the real k3s unless marked."""

import os

from version import VERSION


def _programs():
    """Folder of the Kubernetes programs, which the rig mounts read-only; one per version if there are several."""
    own = f'/opt/rig/bin/{VERSION}'
    return own if os.path.exists(f'{own}/hyper') else '/opt/rig/bin'


# Paths of the rig, not of k3s.
BIN = _programs()
RIG_IMAGES = '/opt/rig/images'
LOGS = '/var/log/k3s'

CONFIG_FILE = '/etc/rancher/k3s/config.yaml'
KUBECONFIG = '/etc/rancher/k3s/k3s.yaml'
NODE_PASSWORD = '/etc/rancher/node/password'
DATA = '/var/lib/rancher/k3s'
SERVER = f'{DATA}/server'
AGENT = f'{DATA}/agent'
TLS = f'{SERVER}/tls'
RUN = '/run/k3s'
SOCKET = f'{RUN}/containerd/containerd.sock'

CLUSTER_CIDR = '10.42.0.0/16'
SERVICE_CIDR = '10.43.0.0/16'
API_IP = '10.43.0.1'
DNS_IP = '10.43.0.10'

# The real k3s serves agents on 6443, which it shares with the API server.
API_PORT = 6443
JOIN_PORT = 9345

PAUSE_IMAGE = 'docker.io/rancher/mirrored-pause:3.6'
COREDNS_IMAGE = 'docker.io/rancher/mirrored-coredns-coredns:1.13.1'
KLIPPER_IMAGE = 'docker.io/rancher/klipper-lb:v0.4.13'
