import { join } from 'node:path/posix';
import type { Host } from '../system/system.ts';
import type { ConfigValue, VersionTable } from './config.ts';
import { engineDefaults } from './engines.ts';
import { absolutePath, userCache } from './paths.ts';
import { SCHEMA, type VariableName } from './schema.ts';
import { istioVersion } from './syntax.ts';
import { istioRow } from './versions.ts';

export type Values = Readonly<Record<VariableName, ConfigValue>>;

/**
 * Sizes of a small lab, about 6 GB in all: 2 + 1.5 + 1.5 + 1 (docs/facts/figures.md 1 "floor"; docs/facts/k3s.md 9 for
 * 2 CPUs and 2 GB on the server). The server grows, because 1 GB is known to lose its API; the workers shrink, because
 * istiod's request is lowered with them.
 */
const SMALL_SIZES: Partial<Record<VariableName, string>> = {
  MEM_MASTER: '2G',
  CPU_WORKER: '1',
  MEM_WORKER: '1536M',
  CPU_VM: '1',
  MEM_VM: '1G',
};

/**
 * Fills in defaults and derived values. When a value is invalid, nothing is derived from it, so that only the cause is
 * reported.
 */
export function resolveDefaults(values: Values, host: Host, versions: VersionTable): Values {
  const version = values.ISTIO_VERSION.value;
  const row = istioVersion.safeParse(version).success ? istioRow(version, versions) : undefined;
  const followers: Partial<Record<VariableName, string>> = {
    ...(values.LAB_SIZE.value === 'small' ? SMALL_SIZES : {}),
    ...(row === undefined ? {} : { ISTIO_REVISION: version.replaceAll('.', '-'), K3S_VERSION: row.k3s }),
    ...engineDefaults(Object.fromEntries(Object.values(values).map(({ name, value }) => [name, value]))),
    KUBECONFIG: join(absolutePath(values.DATA_DIR.value, host), '.kubeconfig'),
    ISTIO_VMS_CACHE: userCache(host),
  };
  const settled = Object.entries(followers)
    .filter(([name, value]) => value !== values[name as VariableName].value && isUnset(name as VariableName, values))
    .map(([name, value]) => [name, { name, value, origin: 'derived' }] as const);
  return { ...values, ...Object.fromEntries(settled) };
}

/**
 * Whether a variable counts as unset. In run.env, a size equal to that of the article counts as unset: the original
 * project's file lists all sizes, and LAB_SIZE would otherwise never have an effect with it.
 */
function isUnset(name: VariableName, values: Values): boolean {
  const { origin, value } = values[name];
  const sizeOfArticle = name in SMALL_SIZES && origin === 'run.env' && value === SCHEMA[name].default;
  return origin === 'default' || sizeOfArticle;
}
