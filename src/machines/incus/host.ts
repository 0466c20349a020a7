import type { ToolRequirement } from '../../tools/requirements.ts';

/** Which server and project to use; what is not set is as in the user's own client. */
export interface IncusPlace {
  readonly remote?: string;
  readonly project?: string;
}

export const INCUS_REQUIREMENT: ToolRequirement = {
  name: 'incus',
  // Older versions are LXD under another name, with different output (docs/facts/incus.md 11).
  floor: '6.0.0',
  because: 'it is the oldest that is maintained',
  install: {
    darwin: 'brew install incus (the client alone; set INCUS_REMOTE to a server)',
    linux: 'sudo apt-get install incus (on Debian 12 from bookworm-backports), then sudo incus admin init --minimal',
  },
};

/** The command that a user types for this server and project, e.g. `incus restart --project p far:vm`. */
export function userCommand(place: IncusPlace, verb: string, name: string): string {
  const project = place.project === undefined ? '' : ` --project ${place.project}`;
  return `incus ${verb}${project} ${place.remote === undefined ? '' : `${place.remote}:`}${name}`;
}

export const shellHint = (place: IncusPlace, name: string, command: string): string =>
  `${userCommand(place, 'exec', name)} -- ${command}`;

export const restartHint = (place: IncusPlace, name: string): string => userCommand(place, 'restart', name);
