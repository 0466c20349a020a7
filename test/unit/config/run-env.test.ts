import { fc } from '../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import { readRunEnv } from '../../../src/config/run-env.ts';

const noVariables = { over: () => undefined, environment: () => undefined };

function read(text: string, env: Record<string, string> = {}) {
  const variables = { over: (name: string) => env[name], environment: (name: string) => env[name] };
  return readRunEnv({ path: '/srv/lab/run.env', text }, variables);
}

function valueOf(text: string, env: Record<string, string> = {}) {
  return read(text, env).values.VM_APP?.value;
}

/** A file in the form of the original project's run.env: the same idioms in the same order, with other values. */
const ORIGINAL_SHAPE = `#!/bin/bash
root="$( cd "$( dirname "\${BASH_SOURCE[0]}" )" && pwd )"
export BIN_DIR="\${root}/.bin/"
mkdir -p "\${BIN_DIR}"
[[ ":$PATH:" != *":\${BIN_DIR}:"* ]] && export PATH="\${BIN_DIR}:\${PATH}"
export DATA_DIR="\${root}/.data/"
mkdir -p "\${DATA_DIR}"
export KUBECONFIG="\${DATA_DIR}/.kubeconfig"
export CONTAINER_TOOL=\${CONTAINER_TOOL:-podman}
# What to run:
export RUN_OS=24.04
export CERT_MANAGER_VERSION=\${CERT_MANAGER_VERSION:-"v1.13.2"}
export CERT_MANAGER_NAMESPACE=\${CERT_MANAGER_NAMESPACE:-cert-manager}
export ISTIO_NAMESPACE=\${ISTIO_NAMESPACE:-istio-system}
export ISTIO_VERSION=\${ISTIO_VERSION:-1.20.8}
export ISTIO_REVISION=$(echo $ISTIO_VERSION | tr '.' '-')
export MEM_WORKER=4G
export VM_APP="outside-app"   # it's quoted

wait-until-there() {
  local what="\${1}"
  set +e
  while ! kubectl get "\${what}"; do
    sleep 1
  done
  export VM_APP=never
}

# A comment with an apostrophe: it's fine.
here=\`pwd\`
if [ "\${here}" != "\${root}" ]; then
  [ -f "\${here}/run.env" ] && source "\${here}/run.env" && >&2 echo "configured from \${here}/run.env"
fi
`;

describe('a run.env in the form of the original file', () => {
  const reading = read(ORIGINAL_SHAPE);

  test('gives every value with its line', () => {
    expect(reading.problems).toEqual([]);
    expect(reading.values).toEqual({
      BIN_DIR: { value: '/srv/lab/.bin/', line: 3 },
      DATA_DIR: { value: '/srv/lab/.data/', line: 6 },
      KUBECONFIG: { value: '/srv/lab/.data//.kubeconfig', line: 8 },
      CONTAINER_TOOL: { value: 'podman', line: 9 },
      RUN_OS: { value: '24.04', line: 11 },
      ISTIO_NAMESPACE: { value: 'istio-system', line: 14 },
      ISTIO_VERSION: { value: '1.20.8', line: 15 },
      MEM_WORKER: { value: '4G', line: 17 },
      VM_APP: { value: 'outside-app', line: 18 },
    });
  });

  test('reports its shell code in one warning, with the variables it would have set', () => {
    expect(reading.warnings).toEqual([
      'run.env: lines 4-5, 7, 20-27, 31-33 are shell and not executed; their values for VM_APP are ignored.',
    ]);
  });

  test('is overridden by a flag or the environment, in references too', () => {
    const { values } = read(ORIGINAL_SHAPE, { DATA_DIR: '/elsewhere', CONTAINER_TOOL: 'docker' });
    expect(values.KUBECONFIG?.value).toBe('/elsewhere/.kubeconfig');
    expect(values.CONTAINER_TOOL?.value).toBe('docker');
  });
});

describe('values in run.env', () => {
  test.each([
    ['VM_APP=a', 'a'],
    ['export VM_APP=a', 'a'],
    ["VM_APP='a b'", 'a b'],
    ['VM_APP="a b"', 'a b'],
    ['VM_APP=a\\ b', 'a b'],
    [`VM_APP=a"b"'c'`, 'abc'],
    ['VM_APP="a\\"b\\c"', 'a"b\\c'],
    ["VM_APP='$HOME'", '$HOME'],
    ['VM_APP=a#b # c', 'a#b'],
    ['VM_APP=a;VM_APP=b', 'b'],
    ['VM_APP=a\r\n', 'a'],
    ['VM_APP=a\\\nb', 'ab'],
    ['VM_APP="a\nb"', 'a\nb'],
    ['X=1; VM_APP="${X}2$X"', '121'],
    ['VM_APP=${X-b}', 'b'],
    ['VM_APP=${X:-"b c"}', 'b c'],
    ['VM_APP=${X:-${Y:-b}}', 'b'],
    ['X=; VM_APP=${X:-b}', 'b'],
    ['X=; VM_APP=${X-b}c', 'c'],
    ['VM_APP=${VM_APP:-b}', 'b'],
    ['VM_APP=${SERVICE_ACCOUNT}', 'vmsa'],
    ['VM_APP=', undefined],
    ['VM_APP=a\nVM_APP=', undefined],
    ['VM_APP=5$', '5$'],
    ['export VM_APP=a X=b', 'a'],
    ['VM_APP=a\nexport VM_APP', 'a'],
    ['\uFEFFVM_APP=a', 'a'],
  ])('are read from %j', (text, value) => {
    const reading = read(text);
    expect(reading.problems).toEqual([]);
    expect(reading.warnings).toEqual([]);
    expect(reading.values.VM_APP?.value).toBe(value);
  });

  test('can refer to HOME and other environment variables', () => {
    const env = { HOME: '/home/ana', TEAM: 'blue' };
    expect(valueOf('VM_APP=~/x', env)).toBe('/home/ana/x');
    expect(valueOf('VM_APP="~/x"', env)).toBe('~/x');
    expect(valueOf('VM_APP=${TEAM}-app', env)).toBe('blue-app');
  });

  test('keep any text in single quotes unchanged', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (value) => {
        const quoted = `'${value.replaceAll("'", `'\\''`)}'`;
        expect(valueOf(`export VM_APP=${quoted}\n`)).toBe(value.replaceAll('\r\n', '\n'));
      }),
    );
  });
});

describe('shell code in run.env', () => {
  test.each([
    ['if true; then\nexport VM_APP=x\nfi', '1-3'],
    ['case $A in\n a) VM_APP=x ;;\nesac', '1-3'],
    ['for a in 1 2; do VM_APP=x; done', '1'],
    ['f() { VM_APP=x; }', '1'],
    ['function f {\nVM_APP=x\n}', '1-3'],
    ['true && VM_APP=x', '1'],
    ['VM_APP=x || true', '1'],
    ['VM_APP=x make', '1'],
    ['echo x > VM_APP', '1'],
    ['(VM_APP=x)', '1'],
    ['cat <<EOF\nVM_APP=x\nEOF', '1-3'],
    ["cat <<-'END'\n\tit's VM_APP=x\n\tEND", '1-3'],
    ['set -eu', '1'],
    ['source other.env', '1'],
    ['while read -r VM_APP; do :; done < file', '1'],
  ])('is not executed: %j', (text, lines) => {
    const reading = read(`${text}\nSERVICE_ACCOUNT=after\n`);
    expect(reading.values).toEqual({ SERVICE_ACCOUNT: { value: 'after', line: text.split('\n').length + 1 } });
    expect(reading.warnings).toHaveLength(1);
    expect(reading.warnings[0]).toContain(` ${lines} `);
    expect(reading.problems).toEqual([]);
  });

  test.each(['$(uname)', '`uname`', '$((1+1))', '${X%/*}', '$1', '(a b)', "$'a'", 'a$(uname)b', '${X:-$(uname)}'])(
    'is a problem when it sets a value that only a shell can compute: %s',
    (value) => {
      const { problems, values } = read(`\nVM_APP=${value}`);
      expect(values).toEqual({});
      expect(problems).toMatchObject([{ name: 'VM_APP', value, origin: 'run.env', line: 2 }]);
      expect(problems[0]?.allowed).toContain('never executed');
    },
  );

  test('is not a problem when its value is overridden or not used', () => {
    expect(read('VM_APP=$(uname)', { VM_APP: 'x' }).problems).toEqual([]);
    expect(read('VM_APP=${VM_APP:-$(uname)}', { VM_APP: 'x' }).problems).toEqual([]);
    expect(read('MINE=$(uname)').problems).toEqual([]);
    expect(read('MINE=$(uname)\nVM_APP=$MINE').problems).toMatchObject([{ name: 'VM_APP', value: '$MINE' }]);
  });

  test.each(["$(echo $ISTIO_VERSION | tr '.' '-')", '`echo x`', '${ISTIO_VERSION//./-}', '${ISTIO_REVISION:-$(x)}'])(
    'is replaced by the revision of the configured version in ISTIO_REVISION=%s',
    (value) => {
      expect(read(`ISTIO_REVISION=${value}`)).toEqual({ values: {}, problems: [], warnings: [] });
    },
  );

  test('is a problem when it refers to an unset variable', () => {
    expect(read('VM_APP=$NOWHERE').problems[0]?.allowed).toContain('NOWHERE is not set');
  });

  test.each([
    ['VM_APP="a', 1],
    ["\nVM_APP='a", 2],
    ['VM_APP=$(a', 1],
    ['VM_APP=${A:-b', 1],
  ])('is a problem when a quote or bracket is not closed: %j', (text, line) => {
    expect(read(text).problems).toMatchObject([{ name: 'run.env', line }]);
  });

  test.each([
    '$(dirname "$0")',
    '$(cd "$(dirname "${BASH_SOURCE[0]}")" >/dev/null 2>&1 && pwd -P)',
    '"$( cd -- "$( dirname -- "$BASH_SOURCE" )" && pwd )"',
  ])('may name the directory of the file itself: %s', (value) => {
    expect(read(`base=${value}\nDATA_DIR=$base/d`).values.DATA_DIR?.value).toBe('/srv/lab/d');
  });
});

test('reports misspelled names in one warning, and ignores other names', () => {
  const { warnings } = read('ISTIO_VERISON=1\nCERT_MANAGER_NAMESPACE=a\nTIMEOUT=1\nvm_app=x\npwd=y\nWORKER=3');
  expect(warnings).toEqual([
    'run.env: ISTIO_VERISON (line 1) looks like ISTIO_VERSION, vm_app (line 4) looks like VM_APP, WORKER (line 6) looks like WORKERS; unknown variables are ignored.',
  ]);
});

test('never throws, for any text', () => {
  const pieces = fc.constantFrom(
    'VM_APP=',
    '$(',
    ')',
    '${',
    ':-',
    '}',
    '"',
    "'",
    '`',
    '\\',
    '\n',
    ' ',
    'if',
    'fi',
    '<<E',
    '{',
    '(',
    ';',
    '&&',
    '#',
    'a',
    '=',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (texts) => {
      readRunEnv({ path: '/r', text: texts.join('') }, noVariables);
    }),
    { numRuns: 2000 },
  );
});
