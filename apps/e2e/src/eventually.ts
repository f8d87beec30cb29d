import { setTimeout as pause } from 'node:timers/promises';

/**
 * Resolves when all notifications that were accepted until now could have been sent, with windows of `delayMs`. Tests use it to check
 * that nothing was sent twice.
 */
export const untilQuiet = (delayMs = 1000) => pause(delayMs + 1500);

/**
 * Resolves once `look` returns true, for states without an event; rejects after `withinMs`, so that a failed test stops
 * polling.
 */
export async function eventually(look: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`It did not come true within ${withinMs} ms: ${look.toString()}`);
    await pause(20);
  }
}
