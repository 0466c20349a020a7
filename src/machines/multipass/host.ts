import type { ToolRequirement } from '../../tools/requirements.ts';
import type { NamedMachine } from '../machine.ts';

export const MULTIPASS_REQUIREMENT: ToolRequirement = {
  name: 'multipass',
  // `exec -n` exists since 1.10, but without `stop --force` a machine in state Unknown cannot be stopped
  // (docs/facts/multipass.md 1.10).
  floor: '1.14.0',
  because: 'it introduced `multipass stop --force`',
  install: { darwin: 'brew install --cask multipass', linux: 'sudo snap install multipass' },
};

/** The commands with which a user starts the service. */
export const START_SERVICE =
  'Start it: `sudo snap start multipass` on Linux, `sudo launchctl kickstart -k system/com.canonical.multipassd` on macOS.';

export const shellHint = (name: string, command: string): string => `multipass exec -n ${name} -- ${command}`;

export const restartHint = (name: string): string => `multipass restart ${name}`;

/** A deleted machine keeps its name until it is purged (docs/facts/multipass.md 1.7). */
export function nameConflictHint({ name, state }: NamedMachine): string {
  const back = state === 'deleted' ? ` (\`multipass recover ${name}\` would bring it back)` : '';
  return `erase that one machine with \`multipass delete --purge ${name}\`${back}`;
}
