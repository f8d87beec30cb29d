import { setTimeout as pause } from 'node:timers/promises';

/**
 * Resolves when all notifications that were accepted until now had the time to be sent after `delayMs` in a window.
 * Tests use it to check that nothing was sent twice.
 */
export const untilQuiet = (delayMs = 1000) => pause(delayMs + 1500);
