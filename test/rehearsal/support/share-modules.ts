import { afterAll, vi } from 'vitest';

// The test files of this project share their modules, which saves a third of the time; so the mock of `inOneWorld` must be
// removed after each file.
afterAll(() => {
  vi.doUnmock('../../../src/rehearsal/index.ts');
});
