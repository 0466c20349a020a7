import { GROUPS, variable, VARIABLE_NAMES } from './schema.ts';

const HEADER = [
  '# run.env: the settings of a lab. Copy it to run.env in the working directory and change what you like.',
  '# It is read, never executed. Flags and the environment take precedence.',
];

/** run.env.example: every variable with its default; a default that depends on another variable is a comment. */
export function runEnvExample(): string {
  const sections = GROUPS.flatMap((group) => {
    const names = VARIABLE_NAMES.filter((name) => variable(name).group === group);
    return ['', `## ${group}`, ...names.flatMap((name) => entry(name))];
  });
  return [...HEADER, ...sections, ''].join('\n');
}

function entry(name: (typeof VARIABLE_NAMES)[number]): readonly string[] {
  const { description, default: value, derivedFrom } = variable(name);
  const comment = `# ${description.replaceAll('`', '')}`;
  return derivedFrom === undefined
    ? ['', comment, `export ${name}=\${${name}:-${value}}`]
    : ['', `${comment} Default: ${derivedFrom}.`, `# export ${name}=`];
}

/** The table in docs/configuration.md, with a section for each group. */
export function configurationTable(): string {
  return GROUPS.map((group) => {
    const rows = VARIABLE_NAMES.filter((name) => variable(name).group === group).map((name) => {
      const { default: value, derivedFrom, description } = variable(name);
      return `| \`${name}\` | ${derivedFrom ?? `\`${value}\``} | ${description.replaceAll('|', '\\|')} |`;
    });
    return [`**${group}**`, '', '| Variable | Default | What it is |', '| --- | --- | --- |', ...rows, ''].join('\n');
  }).join('\n');
}
