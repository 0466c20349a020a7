import { closure, type Node, topologicalOrder } from './graph.ts';

/** The steps as a Mermaid flowchart. Edges that follow from other edges are omitted to keep the graph readable. */
export function toMermaid(steps: readonly (Node & { readonly title: string })[]): string {
  const order = topologicalOrder(steps);
  const boxes = order.map(({ id, title }) => `  ${name(id)}["${escapeText(title)}"]`);
  const arrows = order.flatMap((step) => direct(steps, step).map((need) => `  ${name(need)} --> ${name(step.id)}`));
  return ['flowchart LR', ...boxes, ...arrows, ''].join('\n');
}

/** The needs of a step that are not already needed by another of its needs. */
function direct(steps: readonly Node[], step: Node): readonly string[] {
  return step.needs.filter((need) => !step.needs.some((other) => other !== need && closure(steps, [other]).has(need)));
}

/** The prefix keeps IDs distinct from Mermaid's keywords (`end`, `default`). */
function name(id: string): string {
  return `step_${id.replaceAll('-', '_')}`;
}

function escapeText(text: string): string {
  return text.replaceAll('"', '#quot;');
}
