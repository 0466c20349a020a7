/** The published istioctl builds (docs/facts/istio-vm.md 1.1). */
export const ISTIOCTL_BUILDS = ['osx-arm64', 'osx-amd64', 'linux-armv7', 'linux-arm64', 'linux-amd64'] as const;
