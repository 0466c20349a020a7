import { closure, type Node, topologicalOrder } from './graph.ts';

/**
 * The steps as Mermaid flowchart text. Edges that follow from others are left out: what is drawn says the same, and
 * can be read.
 */
export function toMermaid(steps: readonly (Node & { readonly title: string })[]): string {
  const order = topologicalOrder(steps);
  const boxes = order.map(({ id, title }) => `  ${name(id)}["${escapeText(title)}"]`);
  const arrows = order.flatMap((step) => direct(steps, step).map((need) => `  ${name(need)} --> ${name(step.id)}`));
  return ['flowchart LR', ...boxes, ...arrows, ''].join('\n');
}

/** Needs of a step that no other of its needs already needs. */
function direct(steps: readonly Node[], step: Node): readonly string[] {
  return step.needs.filter((need) => !step.needs.some((other) => other !== need && closure(steps, [other]).has(need)));
}

/** The prefix keeps ids apart from Mermaid's own words (`end`, `default`). */
function name(id: string): string {
  return `step_${id.replaceAll('-', '_')}`;
}

function escapeText(text: string): string {
  return text.replaceAll('"', '#quot;');
}
