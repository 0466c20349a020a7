/** Whether a process of this computer with this id runs now, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // Another user's process may not be signalled, but it is there.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
