import { exportedVariables } from '../config/environment.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { quoteWord } from '../system/quote.ts';
import { runSession } from './session.ts';

/** Exports for the shell: `eval "$(istio-vms env)"` replaces sourcing run.env. */
export async function env(invocation: Invocation, options: GlobalOptions): Promise<ExitCode> {
  return runSession({
    command: 'env',
    invocation,
    options,
    from: 'nothing',
    body: ({ app }) => {
      const variables = exportedVariables(app.loaded);
      const { bin } = app.loaded.config.paths;
      const lines = variables.map(({ name, value }) => `export ${name}=${quoteWord(value)}`);
      return Promise.resolve({
        data: {
          variables: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
          path: bin,
          origins: Object.fromEntries(app.loaded.values.map(({ name, origin }) => [name, origin])),
        },
        text: [...lines, pathLine(bin)].join('\n'),
      });
    },
  });
}

/** Adds istioctl to the PATH, only once even when it is evaluated repeatedly. */
function pathLine(bin: string): string {
  const directory = quoteWord(bin);
  return `case ":$PATH:" in *:${directory}:*) ;; *) export PATH=${directory}:"$PATH" ;; esac`;
}
