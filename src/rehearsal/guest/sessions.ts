import type { Instance } from '../world.ts';

/** One SSH session into a guest, held open by a single command on a machine. */
export interface Session {
  /** The traffic rules cut it off: nothing comes through any more, though the guest works. */
  frozen: boolean;
  /** Resolves when the machine goes away. */
  readonly lost: Promise<void>;
  close(): void;
}

interface OpenSession extends Session {
  readonly drop: () => void;
}

const open = new WeakMap<Instance, Set<OpenSession>>();

/** The boot in which connection tracking became active; sessions opened after that are tracked and safe. */
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

/** Ends all sessions of a machine that is gone. */
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
 * Loads Istio's nat rules. At its next packet, a session that is older than connection tracking is taken for a new
 * connection and redirected, so it hangs (docs/facts/istio-vm.md 5.6). The first load since boot activates tracking.
 */
export function loadRules(instance: Instance, options: { readonly looseTracking: boolean }): void {
  instance.rules = true;
  if (tracking.get(instance) === instance.bootId) return;
  tracking.set(instance, instance.bootId);
  if (options.looseTracking) freezeSessions(instance);
}
