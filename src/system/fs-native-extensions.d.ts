/** The part of the package that istio-vms uses; the package has no types. */
declare module 'fs-native-extensions' {
  /**
   * Tries to get an exclusive kernel lock on an open file, without waiting: an open-file-description lock on Linux,
   * `flock` on macOS. Returns false when another open file holds it.
   */
  export function tryLock(fd: number): boolean;
}
