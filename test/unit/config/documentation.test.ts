import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runEnvExample } from '../../../src/config/documentation.ts';
import { VARIABLE_NAMES } from '../../../src/config/schema.ts';
import { configurationTable } from '../../../src/config/documentation.ts';
import { load } from './fixtures.ts';

test('run.env.example matches the schema (npm run docs writes it)', () => {
  expect(readFileSync(new URL('../../../run.env.example', import.meta.url), 'utf8')).toBe(runEnvExample());
});

test('run.env.example changes nothing when it is used as run.env', () => {
  const { config, warnings } = load({ text: runEnvExample() });
  expect(config).toEqual(load().config);
  expect(warnings).toEqual(load().warnings);
});

test('run.env.example and the table name every variable once', () => {
  for (const name of VARIABLE_NAMES) {
    expect(runEnvExample().match(new RegExp(`^(# )?export ${name}=`, 'gm')), name).toHaveLength(1);
    expect(configurationTable().match(new RegExp(`^\\| \`${name}\` \\|`, 'gm')), name).toHaveLength(1);
  }
});

test('the table has three cells in every row', () => {
  const rows = configurationTable()
    .split('\n')
    .filter((line) => line.startsWith('|'));
  for (const row of rows) expect(row.replaceAll('\\|', '').split('|'), row).toHaveLength(5);
});
