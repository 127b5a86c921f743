/** The function that the directory lock uses of this package, which has no types. */
declare module 'fs-native-extensions' {
  /** Locks the whole file for this open file description (`F_OFD_SETLK`, `flock` on macOS). False if another holds it. */
  export function tryLock(fd: number): boolean;
}
