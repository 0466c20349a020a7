import type { LoadedConfig } from './config.ts';
import type { VariableName } from './schema.ts';

export interface ExportedVariable {
  readonly name: string;
  readonly value: string;
}

/**
 * What `istio-vms env` exports: every variable that has a value in this run. Paths are absolute, so that they stay
 * valid when the shell changes directory. Values are not quoted here; the printer quotes them.
 */
export function exportedVariables({ config, values }: LoadedConfig): readonly ExportedVariable[] {
  const absolute: Partial<Record<VariableName, string | undefined>> = {
    DATA_DIR: config.paths.data,
    BIN_DIR: config.paths.bin,
    TEMP_DIR: config.paths.temp,
    KUBECONFIG: config.paths.kubeconfig,
    ISTIO_VMS_CACHE: config.paths.cache,
    ISTIO_OVERLAY: config.istio.overlay,
  };
  return values
    .map(({ name, value }) => ({ name, value: absolute[name as VariableName] ?? value }))
    .filter(({ value }) => value !== '');
}
