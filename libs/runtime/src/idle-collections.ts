import { setFlagsFromString } from 'node:v8';

/**
 * Switches off the garbage collections by which V8 returns memory to the system in idle times. Each of them compacts the heap
 * and stops the process for 10 to 30 ms, which delayed notifications in quiet minutes. A growing heap is still collected.
 */
export function avoidIdleCollections(): void {
  setFlagsFromString('--no-memory-reducer');
}
