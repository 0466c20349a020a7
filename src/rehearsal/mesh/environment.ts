import { guestText } from '../guest/files.ts';
import { execLine, findUnitFile } from '../guest/unit-file.ts';
import type { Instance } from '../world.ts';

/** The environment of a unit's processes: its environment files in order, as systemd reads them, then its own lines. */
export function unitEnvironment(instance: Instance, unit: string): ReadonlyMap<string, string> {
  const file = findUnitFile(instance, unit);
  const values = new Map<string, string>();
  for (const path of file?.all('Service.EnvironmentFile') ?? []) {
    for (const [key, value] of parseEnvironment(guestText(instance, path.replace(/^-/, '')) ?? ''))
      values.set(key, value);
  }
  for (const line of file?.all('Service.Environment') ?? []) {
    for (const [key, value] of parseEnvironment(line)) values.set(key, value);
  }
  return values;
}

/** The words of a unit's command with `${NAME}` filled in. */
export function unitCommand(instance: Instance, unit: string): readonly string[] {
  const line = findUnitFile(instance, unit)?.get('Service.ExecStart');
  if (line === undefined) return [];
  const values = unitEnvironment(instance, unit);
  const { program, args } = execLine(line);
  return [program, ...args].map((word) =>
    word.replaceAll(/\$\{?([A-Z_][A-Z0-9_]*)\}?/gi, (_, name: string) => values.get(name) ?? ''),
  );
}

/**
 * systemd's own syntax (`man systemd.exec`, EnvironmentFile): quotes count only where a value, or a further part of it,
 * begins; in the middle of a bare word they are literal (docs/facts/istio-vm.md 4.6, the article's append).
 */
export function parseEnvironment(text: string): [string, string][] {
  const entries: [string, string][] = [];
  let at = 0;
  const skipLine = (): void => {
    while (at < text.length && text[at] !== '\n') at++;
  };
  while (at < text.length) {
    if (/\s/.test(text[at] as string)) at++;
    else if (text[at] === '#' || text[at] === ';') skipLine();
    else {
      const equals = text.indexOf('=', at);
      const end = text.indexOf('\n', at);
      if (equals < 0 || (end >= 0 && end < equals)) {
        skipLine();
        continue;
      }
      const name = text.slice(at, equals).trim();
      const word = readValue(text, equals + 1);
      entries.push([name, word.value]);
      at = word.end;
    }
  }
  return entries;
}

function readValue(text: string, start: number): { value: string; end: number } {
  let value = '';
  let at = start;
  while (at < text.length && text[at] !== '\n') {
    const quote = text[at];
    if (quote === "'" || quote === '"') {
      for (at++; at < text.length && text[at] !== quote; at++) {
        if (quote === '"' && text[at] === '\\' && '"\\$`\n'.includes(text[at + 1] ?? '')) at++;
        value += text[at] ?? '';
      }
      at++;
    } else if (/[ \t]/.test(quote as string)) at++;
    else {
      for (; at < text.length && text[at] !== '\n'; at++) {
        if (text[at] === '\\') at++;
        value += text[at] ?? '';
      }
      value = value.trimEnd();
    }
  }
  return { value, end: at + 1 };
}
