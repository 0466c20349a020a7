import { CliError } from '../errors/cli-error.ts';
import type { GuestFile, GuestScript } from '../machines/machine.ts';
import type { ShippedData } from '../system/shipped.ts';

/** The texts of `data/guest`. */
export type GuestTexts = Pick<ShippedData, 'guest'>;

/** Text of a file in `data/guest`. @throws CliError `internal-error` when the package lacks it. */
export function shippedText(shipped: GuestTexts, name: string): string {
  const text = shipped.guest[name];
  if (text === undefined)
    throw new CliError('internal-error', { message: `data/guest/${name} is missing from this installation.` });
  return text;
}

/** A shipped script with its arguments, to run as root after the files are in place. */
export function shippedScript(shipped: GuestTexts, name: string, args: readonly string[] = []): GuestScript {
  return { name, text: shippedText(shipped, name), args };
}

/** A shipped file to write to `path`, owned by root. */
export function shippedFile(shipped: GuestTexts, name: string, path: string, mode = 0o644): GuestFile {
  return { path, content: shippedText(shipped, name), mode };
}

/** A systemd unit of istio-vms; it overrides a package's unit of the same name. */
export function unitFile(shipped: GuestTexts, unit: string): GuestFile {
  return shippedFile(shipped, `${unit}.service`, `/etc/systemd/system/${unit}.service`);
}
