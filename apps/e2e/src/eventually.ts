import { setTimeout as pause } from 'node:timers/promises';

/**
 * Resolves when what was accepted until now has had the time to leave, after `delayMs` in a window: nothing may have been
 * sent a second time.
 */
export const untilQuiet = (delayMs = 1000) => pause(delayMs + 1500);

/**
 * Resolves once `look` answers true, for what nothing tells a test of by itself; rejects after `withinMs`, so that a test
 * that failed asks no longer.
 */
export async function eventually(look: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`It did not come true within ${withinMs} ms: ${look.toString()}`);
    await pause(20);
  }
}
