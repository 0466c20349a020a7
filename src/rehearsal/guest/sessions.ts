import type { Instance } from '../world.ts';

/** One SSH session into a guest: what a single command on a machine holds open. */
export interface Session {
  /** It was swallowed by the traffic rules: nothing comes through any more, though the guest is well. */
  frozen: boolean;
  /** Resolves when the machine goes away under it. */
  readonly lost: Promise<void>;
  close(): void;
}

interface OpenSession extends Session {
  readonly drop: () => void;
}

const open = new WeakMap<Instance, Set<OpenSession>>();

/** Boot in which connection tracking has become active; sessions opened after that are tracked and safe. */
const tracking = new WeakMap<Instance, string>();

/** Opens a session into a guest. */
export function openSession(instance: Instance): Session {
  const sessions = open.get(instance) ?? new Set<OpenSession>();
  open.set(instance, sessions);
  instance.frozenUntilNewSession = false;
  let drop = (): void => undefined;
  const lost = new Promise<void>((resolve) => (drop = resolve));
  const session: OpenSession = { frozen: false, lost, drop, close: () => void sessions.delete(session) };
  sessions.add(session);
  return session;
}

/** The machine is gone, and every session with it. */
export function dropSessions(instance: Instance): void {
  for (const session of open.get(instance) ?? []) session.drop();
  open.delete(instance);
}

/** Freezes every session that is open now. */
export function freezeSessions(instance: Instance): void {
  for (const session of open.get(instance) ?? []) {
    session.frozen = true;
    instance.frozenUntilNewSession = true;
  }
}

/**
 * Istio's nat rules load. A session that is older than connection tracking is taken for a new connection at its next
 * packet and redirected into nothing (docs/facts/istio-vm.md 5.6). The first load since boot activates tracking.
 */
export function loadRules(instance: Instance, options: { readonly looseTracking: boolean }): void {
  instance.rules = true;
  if (tracking.get(instance) === instance.bootId) return;
  tracking.set(instance, instance.bootId);
  if (options.looseTracking) freezeSessions(instance);
}
