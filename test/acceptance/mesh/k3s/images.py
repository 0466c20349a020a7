"""Import of image archives: those in agent/images, as in k3s, and those that the rig mounts into the machine."""

import glob
import json
import os
import time

from paths import AGENT, RIG_IMAGES, SOCKET
from system import log, read, run, write

_IMPORTED = f'{AGENT}/imported.json'


def ctr(*argv):
    """Runs containerd's client in the namespace k8s.io."""
    return run('ctr', '-a', SOCKET, '-n', 'k8s.io', *argv)


def import_new(role):
    """Imports every archive that is new or has changed. A failure is logged and retried in the next round."""
    imported = json.loads(read(_IMPORTED)) if os.path.exists(_IMPORTED) else {}
    for path in _archives(role):
        status = os.stat(path)
        version = f'{status.st_size}-{status.st_mtime_ns}'
        if imported.get(path) == version:
            continue
        began = time.time()
        result = ctr('images', 'import', path)
        if result.returncode != 0:
            log('error', f'import {path}: {result.stdout[-300:]}')
            continue
        log('info', f'Imported images from {path} in {time.time() - began:.1f}s')
        imported[path] = version
        write(_IMPORTED, json.dumps(imported))


def watch(role):
    """Imports archives that appear while k3s runs, as newer versions of k3s do."""
    while True:
        time.sleep(3)
        try:
            import_new(role)
        except Exception as error:  # The next round may succeed.
            log('error', f'images: {error}')


def _archives(role):
    """Archives of agent/images, then the rig's system images, and on agents all other images of the rig."""
    own = sorted(glob.glob(f'{AGENT}/images/*.tar') + glob.glob(f'{AGENT}/images/*.tar.*'))
    bound = sorted(glob.glob(f'{RIG_IMAGES}/*.tar'))
    system = [path for path in bound if os.path.basename(path).startswith('k3s-')]
    others = [path for path in bound if path not in system]
    return own + system + ([] if role == 'server' else others)
