import type { WorkloadConfig } from '../config/config.ts';
import type { Lab, WorkloadVm } from './lab.ts';

/** The lab for the steps of one workload VM: the same tools, and that VM. */
export interface WorkloadLab extends Lab {
  readonly workload: WorkloadConfig;
  readonly vm: WorkloadVm;
  /** Directory of its workload files; with one VM, the directory from the article. */
  readonly workloadFiles: string;
  /**
   * Suffix of the ids of its steps and checks. Empty for the first VM, so that its ids are those of a lab with one VM.
   */
  readonly suffix: string;
}

export function workloadLab(lab: Lab, workload: WorkloadConfig): WorkloadLab {
  const { workloads, paths } = lab.config;
  return {
    ...lab,
    workload,
    vm: lab.workloadVm(workload.name),
    workloadFiles: workloads.length === 1 ? paths.workloadFiles : `${paths.workloadFiles}/${workload.name}`,
    suffix: suffixOf(workloads, workload.name),
  };
}

/** One for each workload VM, in the order of the configuration. */
export function workloadLabs(lab: Lab): readonly WorkloadLab[] {
  return lab.config.workloads.map((workload) => workloadLab(lab, workload));
}

/** Ids of steps and checks of all workload VMs but the first end with the name of their machine. */
export function suffixOf(workloads: readonly Pick<WorkloadConfig, 'name'>[], name: string): string {
  return workloads[0]?.name === name ? '' : `-${name.toLowerCase()}`;
}
