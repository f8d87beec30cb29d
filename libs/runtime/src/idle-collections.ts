import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from collecting all garbage whenever a process has little to do, to return memory to the system. Each of these
 * collections compacts the heap and stops the process for 10 to 30 ms, so a notification in a quiet minute waited for it. A heap that
 * grows is collected as before.
 */
export function avoidIdleCollections(): void {
  setFlagsFromString('--no-memory-reducer');
}
