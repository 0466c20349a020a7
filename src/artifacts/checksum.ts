const LINE = /^([0-9a-fA-F]{64})(?:[ \t]+\*?(.+))?$/;

/**
 * The SHA-256 of `file` from a published checksum file, in lower-case hex; undefined when it is not listed. Two formats
 * are supported: Istio's single line with one space (docs/facts/istio-vm.md 1.1), and the GNU list of k3s with two
 * (docs/facts/k3s.md 1.1). The name must match exactly: `k3s` must not match the line of `k3s-airgap-images-amd64.tar`.
 */
export function digestOf(text: string, file: string): string | undefined {
  for (const raw of text.split('\n')) {
    const [, digest, name] = LINE.exec(raw.trim()) ?? [];
    if (digest === undefined) continue;
    // A digest without a name belongs to the file that the checksum file is named after.
    if (name === undefined ? text.trim() === raw.trim() : baseName(name) === file) return digest.toLowerCase();
  }
  return undefined;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
