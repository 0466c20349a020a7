import type { CliError } from '../errors/cli-error.ts';

/** Increased when a field changes its meaning or is removed; new fields may be added without. */
const DOCUMENT_VERSION = 2;

/** The output of a command as one JSON document for stdout, with a trailing newline. */
export function jsonDocument(
  command: string,
  outcome: 'ok' | 'error',
  data: Readonly<Record<string, unknown>>,
  error?: CliError,
): string {
  const document = {
    version: DOCUMENT_VERSION,
    tool: 'istio-vms',
    command,
    outcome,
    ...(error === undefined ? {} : { error: errorObject(error) }),
    data,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** An error as data: the same fields as on the error screen, without the cause. */
function errorObject(error: CliError): Readonly<Record<string, unknown>> {
  const { hint, details, command, stderrTail } = error.facts;
  return { reason: error.reason, exitCode: error.exitCode, message: error.message, hint, details, command, stderrTail };
}
