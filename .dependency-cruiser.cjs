/**
 * Boundaries between the folders of src (CONTRIBUTING.md, «Folders»). Imports go downwards only:
 * main → cli → commands → app → {steps, verify, ui} → {machines, tools, kube, artifacts, guest, plan} → {system, config} → errors
 */
const TOP = ['steps', 'verify', 'ui', 'commands', 'rehearsal'];
const MIDDLE = ['machines', 'tools', 'kube', 'artifacts', 'guest', 'plan'];

/** What a folder must not import. */
const forbiddenImports = {
  errors: ['system', 'config', ...MIDDLE, ...TOP],
  system: [...MIDDLE, ...TOP],
  config: [...MIDDLE, ...TOP],
  plan: ['config', ...MIDDLE.filter((folder) => folder !== 'plan'), ...TOP],
  kube: [...MIDDLE.filter((folder) => folder !== 'kube'), ...TOP],
  machines: TOP,
  tools: TOP,
  artifacts: TOP,
  guest: TOP,
  steps: ['verify', 'ui', 'commands', 'rehearsal'],
  verify: ['ui', 'commands', 'rehearsal'],
  ui: ['steps', 'verify', 'machines', 'tools', 'commands', 'rehearsal'],
  rehearsal: ['steps', 'verify', 'ui', 'commands', 'machines', 'tools', 'guest', 'kube', 'plan'],
};

/** The only config file that reads the engines' variables, from the map of engines. */
const READS_THE_ENGINES = '^src/config/engines\\.ts$';

const folderRules = Object.entries(forbiddenImports).map(([folder, forbidden]) => ({
  name: `${folder}-imports-downwards`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: READS_THE_ENGINES },
  to: { path: `^src/(${forbidden.join('|')})/` },
}));

/** Modules that only some files may import. */
const only = (name, modules, files) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: files },
  to: { path: modules },
});

module.exports = {
  forbidden: [
    { name: 'no-circular-imports', severity: 'error', from: {}, to: { circular: true } },
    ...folderRules,
    {
      name: 'kube-is-pure',
      severity: 'error',
      from: { path: '^src/kube/' },
      to: { path: '^src/system/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'config-knows-of-engines-only-the-map',
      severity: 'error',
      from: { path: READS_THE_ENGINES },
      to: { path: `^src/(${[...MIDDLE, ...TOP].join('|')})/`, pathNot: '^src/machines/(index|definition)\\.ts$' },
    },
    {
      name: 'engines-only-through-the-map',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/machines/index\\.ts$', '^src/machines/[^/]+/'] },
      to: { path: '^src/machines/[^/]+/' },
    },
    {
      name: 'engines-do-not-import-each-other',
      severity: 'error',
      from: { path: '^src/machines/([^/]+)/' },
      to: { path: '^src/machines/[^/]+/', pathNot: '^src/machines/$1/' },
    },
    {
      name: 'entry-points-are-not-imported',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|cli|cli-[a-z]+)\\.ts$' },
      to: { path: '^src/(main|cli|cli-[a-z]+)\\.ts$' },
    },
    {
      name: 'rehearsal-only-from-app',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/rehearsal/', '^src/app\\.ts$'] },
      to: { path: '^src/rehearsal/' },
    },
    only('execa-only-in-processes', 'node_modules/execa/', ['^src/system/processes\\.ts$']),
    only('file-locks-only-in-lock', 'node_modules/fs-native-extensions/', ['^src/system/lock\\.ts$']),
    only('rendering-only-in-ui', 'node_modules/(listr2|chalk|cli-table3)/', ['^src/ui/']),
    only('commander-only-in-cli', 'node_modules/commander/', ['^src/(cli|cli-[a-z]+)\\.ts$', '^src/commands/']),
    only(
      'node-io-only-in-system',
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
