import { fileURLToPath } from 'node:url';

/** Main modules and small programs of this project, in Go and shell. */
export const PROGRAMS = fileURLToPath(new URL('../programs', import.meta.url));

/** The stand-in for the file k3s, a Python package. */
export const K3S_PACKAGE = fileURLToPath(new URL('../k3s', import.meta.url));
