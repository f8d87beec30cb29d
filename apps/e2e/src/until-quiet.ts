import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits so long that all notifications accepted so far have been sent after `delayMs` in a window.
 * Tests use it to check that nothing was sent twice.
 */
export const untilQuiet = (delayMs = 1000) => pause(delayMs + 1500);
