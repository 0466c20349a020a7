import type { GuestCall, ProgramResult } from '../world.ts';
import { UNIT_MODELS } from './boot.ts';
import { journalLines, knownUnit, showUnit, startUnit, stopUnit } from './systemd.ts';

type Unknown = (call: GuestCall) => ProgramResult;

/**
 * systemctl with the verbs that istio-vms uses. `is-active` is omitted on purpose: it exits with 4 for unknown units.
 */
export async function systemctl(call: GuestCall, unknown: Unknown): Promise<ProgramResult> {
  const { instance, root } = call;
  const [, verb, ...rest] = call.args;
  const noBlock = rest.includes('--no-block');
  const [unit = '', option, ...more] = rest
    .filter((arg) => arg !== '--no-block')
    .map((arg) => arg.replace(/\.service$/, ''));
  if (verb === 'show') {
    const [, properties] = /^--property=([A-Za-z,]+)$/.exec(option ?? '') ?? [];
    if (properties === undefined || more.length > 0) return unknown(call);
    return { exitCode: 0, stdout: showUnit(instance, unit, properties.split(',')) };
  }
  if (verb === undefined || !['start', 'stop', 'restart'].includes(verb) || unit === '' || option !== undefined)
    return unknown(call);
  if (!root)
    return { exitCode: 1, stderr: `Failed to ${verb} ${unit}.service: Interactive authentication required.\n` };
  if (knownUnit(instance, unit) === undefined) {
    return { exitCode: 5, stderr: `Failed to ${verb} ${unit}.service: Unit ${unit}.service not found.\n` };
  }
  const job = (async () => {
    if (verb !== 'start') await stopUnit(call, unit, UNIT_MODELS);
    return verb === 'stop' ? true : startUnit(call, unit, UNIT_MODELS);
  })();
  if (noBlock || (await job) === true) return { exitCode: 0 };
  return {
    exitCode: 1,
    stderr: `Job for ${unit}.service failed because the control process exited with error code.\n`,
  };
}

/** The last lines of a unit's journal, as text or as JSON with some fields. */
export function journalctl(call: GuestCall, unknown: Unknown): Promise<ProgramResult> {
  const json = /^--unit (\S+) --no-pager --lines (\d+) --output json --output-fields (\S+)$/.exec(
    call.args.slice(1).join(' '),
  );
  if (json !== null) {
    const [, name = '', count, fields = ''] = json;
    const lines = journalLines(call.instance, name.replace(/\.service$/, '')).slice(-Number(count));
    const shown = lines.map((line) => {
      const known: Readonly<Record<string, string>> = {
        MESSAGE: line.message,
        SYSLOG_IDENTIFIER: line.identifier,
        // systemd's own messages name the start that they are about in a separate field.
        [line.identifier === 'systemd' ? 'INVOCATION_ID' : '_SYSTEMD_INVOCATION_ID']: line.invocation,
      };
      return JSON.stringify(
        Object.fromEntries(fields.split(',').flatMap((field) => (known[field] ? [[field, known[field]]] : []))),
      );
    });
    return Promise.resolve({ exitCode: 0, stdout: shown.map((line) => `${line}\n`).join('') });
  }
  const [, unit, lines] = /^--unit (\S+) --no-pager --lines (\d+)$/.exec(call.args.slice(1).join(' ')) ?? [];
  if (unit === undefined) return Promise.resolve(unknown(call));
  const journal = call.instance.units.get(unit.replace(/\.service$/, ''))?.journal ?? [];
  // An ordinary user in the group adm may read the journal, and ubuntu is in it.
  const kept = journal.slice(-Number(lines));
  return Promise.resolve({ exitCode: 0, stdout: kept.length === 0 ? '-- No entries --\n' : `${kept.join('\n')}\n` });
}
