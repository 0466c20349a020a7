import { describe, expect, it } from 'vitest';
import { codeBlocks, executableCommands } from '../../../scripts/documents/code-blocks.ts';

describe('code blocks of documents', () => {
  it('are found with their language and line, and whether they are generated', () => {
    const text = [
      '# Title',
      '```sh',
      'istio-vms up',
      '```',
      '<!-- output -->',
      '```console',
      'ok',
      '```',
      '<!-- end -->',
    ];
    expect(codeBlocks([...text, '```json', '{}', '```'].join('\n'))).toEqual([
      { language: 'sh', content: 'istio-vms up', line: 2, generated: false },
      { language: 'console', content: 'ok', line: 6, generated: true },
      { language: 'json', content: '{}', line: 10, generated: false },
    ]);
  });

  it('give their commands without comments, and with here-documents', () => {
    const block = 'istio-vms plan   # look\n# a comment\nkubectl apply -f - <<END\nkind: A\nEND\nistio-vms status';
    expect(executableCommands(block)).toEqual([
      { line: 'istio-vms plan', stdin: '' },
      { line: 'kubectl apply -f -', stdin: 'kind: A\n' },
      { line: 'istio-vms status', stdin: '' },
    ]);
  });

  it('omit commands that are listed as not run by any test', () => {
    expect(executableCommands('npm ci && npx istio-vms up --rehearse\nnpm ci && npm test')).toEqual([
      { line: 'npx istio-vms up --rehearse', stdin: '' },
    ]);
  });

  it('refuse a command that is neither run nor listed', () => {
    expect(() => executableCommands('istio-vms up\nrm -rf /')).toThrow('no test runs this command: rm -rf /');
  });
});
