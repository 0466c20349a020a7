import fc from 'fast-check';

// A fixed seed makes failures reproducible: a test must not fail by chance in an unrelated change. Set FC_SEED for other cases.
fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? '20261123') });

export { fc };
