import { afterAll, vi } from 'vitest';

// The files of this project share their modules, which is a third of their time; what one has mocked (`inOneWorld`), the
// next must not find.
afterAll(() => {
  vi.doUnmock('../../../src/rehearsal/index.ts');
});
