import { k3sArtifact } from '../artifacts/artifacts.ts';
import type { GuestPayload } from '../guest/k3s.ts';
import type { Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import type { Cpu } from '../system/system.ts';
import { obtainArtifact } from './downloads.ts';
import type { Lab } from './lab.ts';
import { imagesStepOf } from './node-images.ts';

const PUT_MS = 300_000;

/** The k3s binary for machines with this CPU, in the form that a payload needs. */
export async function k3sBinary(lab: Lab, cpu: Cpu, context: StepContext): Promise<{ readonly file: string }> {
  return { file: await obtainArtifact(lab, k3sArtifact(lab.config, cpu), context) };
}

/** Copies k3s and its configuration to a machine and starts it there; returns whether its process has changed. */
export async function placeK3s(machine: Machine, payload: GuestPayload, context: StepContext): Promise<boolean> {
  const { signal, say } = context;
  const { stdout } = await machine.put(payload.files, payload.script, { timeoutMs: PUT_MS, signal, say });
  return stdout.trim() !== 'unchanged';
}

/** Images must be on the node before k3s starts. */
export function imagesOf(lab: Lab, machineStep: string): readonly string[] {
  return lab.bundle === undefined ? [] : [imagesStepOf(machineStep)];
}
