import { CliError } from '../errors/cli-error.ts';

/** Anything with an ID that depends on others. */
export interface Node {
  readonly id: string;
  readonly needs: readonly string[];
}

const ID = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/**
 * Checks that the steps form a valid graph.
 * @throws CliError `internal-error` that names the invalid ID, the duplicate step, the unknown need or the cycle.
 */
export function validateGraph(nodes: readonly Node[]): void {
  const ids = new Set<string>();
  for (const { id } of nodes) {
    if (!ID.test(id)) throw broken(`step id ${JSON.stringify(id)} is not made of lower-case words and dashes`);
    if (ids.has(id)) throw broken(`step ${id} is there twice`);
    ids.add(id);
  }
  for (const { id, needs } of nodes) {
    const unknown = needs.find((need) => !ids.has(need));
    if (unknown !== undefined) throw broken(`step ${id} needs ${unknown}, which is no step`);
  }
  const cycle = findCycle(nodes);
  if (cycle !== undefined) throw broken(`steps need each other in a circle: ${cycle.join(' → ')}`);
}

/** Sorts nodes after the nodes they need; otherwise keeps the given order. The graph must be valid. */
export function topologicalOrder<T extends Node>(nodes: readonly T[]): readonly T[] {
  const byId = index(nodes);
  const placed = new Set<string>();
  const order: T[] = [];
  const place = (node: T): void => {
    if (placed.has(node.id)) return;
    placed.add(node.id);
    for (const need of node.needs) place(at(byId, need));
    order.push(node);
  };
  for (const node of nodes) place(node);
  return order;
}

/**
 * The given IDs and everything they need, directly or indirectly.
 * @throws CliError `internal-error` for an unknown ID.
 */
export function closure(nodes: readonly Node[], ids: Iterable<string>): ReadonlySet<string> {
  const byId = index(nodes);
  const found = new Set<string>();
  const visit = (id: string): void => {
    if (found.has(id)) return;
    found.add(id);
    for (const need of at(byId, id).needs) visit(need);
  };
  for (const id of ids) visit(id);
  return found;
}

/** Everything that needs one of the given IDs, directly or indirectly, without these IDs. */
export function dependents(nodes: readonly Node[], ids: Iterable<string>): ReadonlySet<string> {
  const given = new Set(ids);
  const found = new Set(given);
  for (const node of topologicalOrder(nodes)) {
    if (node.needs.some((need) => found.has(need))) found.add(node.id);
  }
  for (const id of given) found.delete(id);
  return found;
}

/** The needs of each kept node among the kept ones: a node that is left out is replaced by its nearest kept needs. */
export function contract(nodes: readonly Node[], keep: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const nearest = new Map<string, ReadonlySet<string>>();
  for (const node of topologicalOrder(nodes)) {
    const behind = node.needs.flatMap((need) => (keep.has(need) ? [need] : [...(nearest.get(need) ?? [])]));
    nearest.set(node.id, new Set(behind));
  }
  return new Map([...keep].map((id) => [id, [...(nearest.get(id) ?? [])]]));
}

/** For each node the longest path from its start to the end of the graph, in milliseconds. */
export function remainingPath(nodes: readonly (Node & { readonly expectMs: number })[]): ReadonlyMap<string, number> {
  const longestAfter = new Map<string, number>();
  const total = new Map<string, number>();
  for (const node of topologicalOrder(nodes).toReversed()) {
    const ms = node.expectMs + (longestAfter.get(node.id) ?? 0);
    total.set(node.id, ms);
    for (const need of node.needs) longestAfter.set(need, Math.max(ms, longestAfter.get(need) ?? 0));
  }
  return total;
}

function findCycle(nodes: readonly Node[]): readonly string[] | undefined {
  const byId = index(nodes);
  const clear = new Set<string>();
  const walk = (id: string, path: readonly string[]): readonly string[] | undefined => {
    if (clear.has(id)) return undefined;
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    for (const need of at(byId, id).needs) {
      const cycle = walk(need, [...path, id]);
      if (cycle !== undefined) return cycle;
    }
    clear.add(id);
    return undefined;
  };
  for (const { id } of nodes) {
    const cycle = walk(id, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function index<T extends Node>(nodes: readonly T[]): ReadonlyMap<string, T> {
  return new Map(nodes.map((node) => [node.id, node]));
}

function at<T>(byId: ReadonlyMap<string, T>, id: string): T {
  const node = byId.get(id);
  if (node === undefined) throw broken(`there is no step ${id}`);
  return node;
}

/** Graphs are built only by this program, so an invalid one is a bug. */
function broken(message: string): CliError {
  return new CliError('internal-error', {
    message: `Invalid step graph: ${message}.`,
    hint: 'This is a bug in istio-vms. Keep the log file: it shows what happened.',
  });
}
