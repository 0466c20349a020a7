/** The part of the package that we use; it brings no types of its own. */
declare module 'fs-native-extensions' {
  /**
   * Asks the kernel for an exclusive lock on an open file, at once: an open-file-description lock on Linux, `flock` on
   * macOS. False when another open file has it.
   */
  export function tryLock(fd: number): boolean;
}
