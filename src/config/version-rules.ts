import type { RuleContext, Violation } from './rule.ts';
import { istioRow, isAtLeast, kubernetesMinor, supportedRange } from './versions.ts';

/** Older minors lack features that the steps need; newer ones are accepted with a warning. */
export function istioIsNewEnough({ values, versions }: RuleContext): readonly Violation[] {
  const version = values.ISTIO_VERSION;
  if (version === undefined || istioRow(version, versions) !== undefined) return [];
  const allowed = `Istio ${supportedRange(versions)} or later; the newest tested version is ${versions.newestTested}`;
  return [{ name: 'ISTIO_VERSION', allowed }];
}

/** Istio does not support an older Kubernetes, and `istioctl install` only warns (docs/facts/istio-vm.md 1.5). */
export function k3sIsNewEnough({ values, versions }: RuleContext): readonly Violation[] {
  const { ISTIO_VERSION: istio, K3S_VERSION: k3s } = values;
  const row = istio === undefined ? undefined : istioRow(istio, versions);
  if (istio === undefined || k3s === undefined || row === undefined) return [];
  if (isAtLeast(kubernetesMinor(k3s), row.kubernetesFloor)) return [];
  const allowed = `a k3s of Kubernetes ${row.kubernetesFloor} or later, which Istio ${istio} asks for, e.g. ${row.k3s}`;
  return [{ name: 'K3S_VERSION', allowed }];
}

/**
 * From 1.35 on the kubelet does not start on cgroup v1, the only version that 20.04 boots with (docs/facts/k3s.md
 * 0.14).
 */
export function releaseFitsK3s({ values }: RuleContext): readonly Violation[] {
  const { RUN_OS: release, K3S_VERSION: k3s } = values;
  if (release === undefined || k3s === undefined || !/^(20\.|21\.04|focal)/.test(release)) return [];
  if (!isAtLeast(kubernetesMinor(k3s), '1.35')) return [];
  return [{ name: 'RUN_OS', allowed: `22.04 or later, because k3s ${k3s} does not start on cgroup v1` }];
}
