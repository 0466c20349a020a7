"""Debian's containerd with the configuration that k3s uses."""

import os

from children import children
from paths import AGENT, PAUSE_IMAGE, RUN, SOCKET
from system import log, read, run, write

_CONFIG = '''version = 2
root = "{agent}/containerd"
state = "{run}/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{agent}/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "10010"
  enable_selinux = false
  disable_apparmor = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  restrict_oom_score_adj = true
  sandbox_image = "{pause}"
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{agent}/etc/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
'''


def start(config):
    """Writes the configuration and starts containerd."""
    _mount_cgroups()
    path = f'{AGENT}/etc/containerd/config.toml'
    pause = config.get('pause-image', PAUSE_IMAGE)
    write(path, _CONFIG.format(agent=AGENT, run=RUN, socket=SOCKET, pause=pause))
    for folder in ('images', 'etc/cni/net.d', 'pod-manifests'):
        os.makedirs(f'{AGENT}/{folder}', exist_ok=True)
    children.start('containerd', ['containerd', '-c', path])


def _mount_cgroups():
    """Mounts `cpu` and `cpuacct` if they are separate cgroup v1 hierarchies on the host.

    systemd expects both in one hierarchy and mounts neither in that case. Does nothing with cgroup v2.
    """
    for controller in ('cpu', 'cpuacct'):
        path = f'/sys/fs/cgroup/{controller}'
        mounts = read('/proc/self/mounts')
        if any(each in mounts for each in (f' {path} ', ' /sys/fs/cgroup/cpu,cpuacct ', '/sys/fs/cgroup cgroup2')):
            continue
        run('mount', '-o', 'remount,rw', '/sys/fs/cgroup')
        if os.path.islink(path):
            os.remove(path)
        os.makedirs(path, exist_ok=True)
        result = run('mount', '-t', 'cgroup', '-o', controller, 'cgroup', path)
        level = 'info' if result.returncode == 0 else 'warning'
        log(level, f'stand-in: cgroup {controller}: {result.stdout.strip() or "mounted"}')
