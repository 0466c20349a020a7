import type { Lab } from './lab.ts';

type Place = Pick<Lab, 'engine' | 'config'>;

/** What a person types to run a command on a machine of this lab, for hints. */
export function onMachine(lab: Place, name: string, command: string): string {
  return lab.engine.name === 'incus'
    ? `${incus(lab, 'exec', name)} -- ${command}`
    : `multipass exec -n ${name} -- ${command}`;
}

/** What a person types to restart it. */
export function restartOf(lab: Place, name: string): string {
  return lab.engine.name === 'incus' ? incus(lab, 'restart', name) : `multipass restart ${name}`;
}

function incus({ config: { incus: place } }: Place, verb: string, name: string): string {
  const project = place.project === undefined ? '' : ` --project ${place.project}`;
  return `incus ${verb}${project} ${place.remote === undefined ? '' : `${place.remote}:`}${name}`;
}
