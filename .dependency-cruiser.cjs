/**
 * The walls of the house (docs: CONTRIBUTING.md, «Rooms»). Imports go only downwards:
 * main → cli → commands → app → {steps, verify, ui} → {machines, tools, artifacts, manifests, guest, plan} → {system, config} → errors
 */
const above = {
  errors: [
    'system',
    'config',
    'machines',
    'tools',
    'artifacts',
    'manifests',
    'guest',
    'plan',
    'steps',
    'verify',
    'ui',
    'commands',
    'rehearsal',
  ],
  system: [
    'machines',
    'tools',
    'artifacts',
    'manifests',
    'guest',
    'plan',
    'steps',
    'verify',
    'ui',
    'commands',
    'rehearsal',
  ],
  config: [
    'machines',
    'tools',
    'artifacts',
    'manifests',
    'guest',
    'plan',
    'steps',
    'verify',
    'ui',
    'commands',
    'rehearsal',
  ],
  plan: [
    'machines',
    'tools',
    'artifacts',
    'manifests',
    'guest',
    'config',
    'steps',
    'verify',
    'ui',
    'commands',
    'rehearsal',
  ],
  machines: ['steps', 'verify', 'ui', 'commands', 'rehearsal'],
  tools: ['steps', 'verify', 'ui', 'commands', 'rehearsal'],
  artifacts: ['steps', 'verify', 'ui', 'commands', 'rehearsal'],
  manifests: ['steps', 'verify', 'ui', 'commands', 'rehearsal'],
  guest: ['steps', 'verify', 'ui', 'commands', 'rehearsal'],
  steps: ['verify', 'ui', 'commands', 'rehearsal'],
  verify: ['ui', 'commands', 'rehearsal'],
  ui: ['steps', 'verify', 'machines', 'tools', 'commands', 'rehearsal'],
  rehearsal: ['steps', 'verify', 'ui', 'commands', 'machines', 'tools', 'guest', 'manifests', 'plan'],
};

const rooms = Object.entries(above).map(([room, forbidden]) => ({
  name: `${room}-looks-down`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${forbidden.join('|')})/` },
}));

/** A package that only some places may import. */
const only = (name, packages, places) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: places },
  to: { path: packages },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...rooms,
    {
      name: 'nobody-imports-the-edge',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|cli|cli-[a-z]+)\\.ts$' },
      to: { path: '^src/(main|cli|cli-[a-z]+)\\.ts$' },
    },
    {
      name: 'rehearsal-through-app',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/rehearsal/', '^src/app\\.ts$'] },
      to: { path: '^src/rehearsal/' },
    },
    only('one-door-for-processes', 'node_modules/execa/', ['^src/system/processes\\.ts$']),
    only('one-door-for-locks', 'node_modules/fs-native-extensions/', ['^src/system/lock\\.ts$']),
    only('rendering-in-ui', 'node_modules/(listr2|chalk|cli-table3)/', ['^src/ui/']),
    only('command-line-in-cli', 'node_modules/commander/', ['^src/(cli|cli-[a-z]+)\\.ts$', '^src/commands/']),
    only(
      'outside-through-doors',
      '^(node:)?(child_process|fs|fs/promises|http|https|net|timers|timers/promises|worker_threads)$',
      ['^src/system/'],
    ),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
