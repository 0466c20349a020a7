import type { Lab } from '../steps/lab.ts';
import type { ToolNeed } from '../steps/lab-step.ts';
import { checkRequirements, type Requirement } from '../tools/requirements.ts';

/** Makes sure that these are there and new enough, all at once. @throws CliError `tool-missing`, `tool-too-old`, … */
export async function requireTools(lab: Lab, needs: readonly ToolNeed[]): Promise<void> {
  const probes: Record<ToolNeed, Requirement> = {
    machines: { tool: lab.config.engine, probe: async () => (await lab.engine.probe()).version },
    kubectl: { tool: 'kubectl', probe: () => lab.kubectl.clientVersion() },
    container: {
      tool: lab.config.containerTool,
      probe: async () => {
        const { kind, version } = await lab.container.probe();
        return { tool: kind, version };
      },
    },
  };
  await checkRequirements(
    needs.map((need) => probes[need]),
    lab.host.platform,
  );
}
