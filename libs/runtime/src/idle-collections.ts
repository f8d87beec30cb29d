import { setFlagsFromString } from 'node:v8';

/**
 * Switches off V8's collections in idle times, which return memory to the system. Each of them compacts the heap and stops the
  * process for 10 to 30 ms, which delayed notifications in quiet minutes. Collections of a growing heap are not affected.
 */
export function avoidIdleCollections(): void {
  setFlagsFromString('--no-memory-reducer');
}
