import { expect } from 'vitest';
import type { RunResult } from './computer.ts';

interface Document {
  readonly error?: {
    readonly reason: string;
    readonly exitCode: number;
    readonly message: string;
    readonly hint?: string;
  };
  readonly data: { readonly changed?: number };
}

/** The JSON document of a run with `--output json`. */
export const documentOf = ({ stdout }: RunResult): Document => JSON.parse(stdout) as Document;

export function expectOk(ran: RunResult): void {
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
}

/** Expects success without any change. */
export function expectNothingToDo(ran: RunResult): void {
  expectOk(ran);
  expect(ran.stdout).toContain('nothing changed');
}
