import fc from 'fast-check';

// The same cases in every run: a test that fails now and then tells whom it hits, not who did it. Another FC_SEED finds more.
fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? '20261123') });

export { fc };
