import { oneOf, pattern } from '../../config/syntax.ts';
import type { EngineDefinition, EngineValues } from '../definition.ts';
import { createIncus } from './engine.ts';
import type { IncusSettings } from './probe.ts';

/** Names of remotes, projects and networks. No slash, which separates parts of the API's paths. */
const incusName = pattern(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  'a name of letters, digits, dots, hyphens and underscores',
);

/** `REMOTE:ALIAS`, an alias, or a fingerprint. */
const imageName = pattern(
  /^([A-Za-z0-9][A-Za-z0-9._-]*:)?[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/,
  'an image, e.g. images:ubuntu/22.04/cloud or an alias on the server',
);

/** Members or groups (`@NAME`) of a cluster. */
const memberNames = pattern(
  /^@?[A-Za-z0-9][A-Za-z0-9.-]*(,@?[A-Za-z0-9][A-Za-z0-9.-]*)*$/,
  'names of cluster members separated by commas, e.g. node1,node2',
);

export const incus = {
  title: 'Incus',
  about: 'Linux; also a cluster of computers',
  variables: {
    INCUS_IMAGE: {
      default: '',
      derivedFrom: 'images:ubuntu/RUN_OS/cloud',
      description:
        'Image of all machines: with user ubuntu, cloud-init and Python, as the cloud variants of `images:` are.',
      syntax: imageName,
    },
    INCUS_TYPE: {
      default: '',
      derivedFrom: 'virtual-machine where Incus can run one, else container',
      description:
        'Virtual machines, or system containers. A container that runs k3s is privileged and shares the kernel of its host.',
      syntax: oneOf('container', 'virtual-machine'),
    },
    INCUS_REMOTE: {
      default: '',
      derivedFrom: "your incus client's default",
      description: 'Server on which the machines are created.',
      syntax: incusName,
    },
    INCUS_PROJECT: {
      default: '',
      derivedFrom: "your incus client's default",
      description: 'Project in which the machines are created.',
      syntax: incusName,
    },
    INCUS_NETWORK: {
      default: '',
      derivedFrom: 'that of the profile default',
      description: 'Network of the machines.',
      syntax: incusName,
    },
    INCUS_TARGETS: {
      default: '',
      derivedFrom: 'none: Incus chooses',
      description: 'Members of a cluster over which the machines are spread in turn, separated by commas.',
      syntax: memberNames,
    },
  },
  defaultsFrom: ({ RUN_OS: release = '' }) => ({
    // `lts` is an alias of another engine.
    INCUS_IMAGE: `images:ubuntu/${release === 'lts' ? '24.04' : release}/cloud`,
  }),
  create: ({ settings, ...parts }) => createIncus({ ...parts, settings: incusSettings(settings) }),
} as const satisfies EngineDefinition;

/** The settings from the variables. */
export function incusSettings(values: EngineValues): IncusSettings {
  const text = (name: keyof typeof incus.variables): string | undefined => values[name] || undefined;
  const [type, remote, project, network] = [
    text('INCUS_TYPE'),
    text('INCUS_REMOTE'),
    text('INCUS_PROJECT'),
    text('INCUS_NETWORK'),
  ];
  return {
    image: text('INCUS_IMAGE') ?? '',
    ...(type === 'container' || type === 'virtual-machine' ? { type } : {}),
    ...(remote === undefined ? {} : { remote }),
    ...(project === undefined ? {} : { project }),
    ...(network === undefined ? {} : { network }),
    targets: (text('INCUS_TARGETS') ?? '').split(',').filter((target) => target !== ''),
  };
}
