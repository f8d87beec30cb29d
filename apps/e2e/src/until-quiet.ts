import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits until all notifications that were accepted so far have left their windows of `delayMs` and were sent.
 * Then a test can check that nothing was sent twice.
 */
export const untilQuiet = (delayMs = 1000) => pause(delayMs + 1500);
