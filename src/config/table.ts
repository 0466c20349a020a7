import { GROUPS, variable, VARIABLE_NAMES } from './schema.ts';

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
