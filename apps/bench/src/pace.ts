import { setTimeout as pause } from 'node:timers/promises';

/** Calls `send` at an even pace, also while earlier calls are not answered; resolves when all are answered. */
export async function evenly(
  count: number,
  perSecond: number,
  send: (index: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    await pause(Math.max(0, startedAt + (index * 1000) / perSecond - performance.now()));
    sent.push(send(index));
  }
  await Promise.all(sent);
}
