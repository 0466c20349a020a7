import type { Lab } from '../steps/lab.ts';
import type { ToolNeed } from '../steps/lab-step.ts';
import { checkRequirements, TOOLS, type Requirement } from '../tools/requirements.ts';
import type { Context } from '../system/system.ts';

/**
 * Checks that these tools are installed and new enough, all in parallel.
 * @throws CliError `tool-missing`, `tool-too-old`, …
 */
export async function requireTools(lab: Lab, needs: readonly ToolNeed[], context: Context): Promise<void> {
  const probes: Record<ToolNeed, Requirement> = {
    machines: { tool: lab.engine.requirement, probe: async () => (await lab.engine.probe(context)).version },
    kubectl: { tool: TOOLS.kubectl, probe: () => lab.kubectl.clientVersion(context) },
    container: {
      tool: TOOLS[lab.config.containerTool],
      probe: async () => {
        const { kind, version } = await lab.container.probe(context);
        return { tool: TOOLS[kind], version };
      },
    },
  };
  await checkRequirements(
    needs.map((need) => probes[need]),
    lab.host.platform,
  );
}
