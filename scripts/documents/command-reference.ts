import { COMMANDS } from '../../src/cli-commands.ts';
import { printed } from './terminal.ts';

/** The help of the program and of each command, as sections. */
export async function commandReference(): Promise<string> {
  const sections = [await section('istio-vms', ['--help'])];
  for (const { name } of COMMANDS) sections.push(await section(`istio-vms ${name}`, [name, '--help']));
  return sections.join('\n\n');
}

async function section(title: string, argv: readonly string[]): Promise<string> {
  return `## ${title}\n\n\`\`\`text\n${(await printed(argv)).trimEnd()}\n\`\`\``;
}
