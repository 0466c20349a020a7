import { k3sArtifact } from '../artifacts/artifacts.ts';
import type { GuestPayload } from '../guest/k3s.ts';
import { asRoot, type Machine } from '../machines/machine.ts';
import type { StepContext } from '../plan/step.ts';
import type { Context, Cpu } from '../system/system.ts';
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

/** Text of a file on the machine that only root can read; it does not appear in the log or the report. */
export async function readSecret(machine: Machine, path: string, context: Context): Promise<string> {
  const read = await machine.run(
    {
      ...asRoot({ file: 'cat', args: [path], effect: 'read' }),
      secretOutput: true,
      timeoutMs: 30_000,
    },
    context,
  );
  return read.stdout;
}
