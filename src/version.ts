/** The version of the tool; a test compares it with package.json, which is not read at startup. */
export const VERSION = '0.1.0';
