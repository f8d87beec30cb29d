import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox, WebhookArrivalsView } from '@pns/sandbox';
import { mailNotification } from './notifications';
import { evenly } from './pace';
import { Producer } from './producer';
import { median, type Measured, percentile, type Size } from './scenario';

/** The rate of the load, in notifications per second. It is a light load. */
const perSecond = 60;
/** The number of first notifications, which are not measured, because code is compiled meanwhile. */
const warmUp = 3 * perSecond;
const measuredOf = (size: Size): number => (size === 'full' ? 10 : 4) * perSecond;
/** The number of users. Each of them has a webhook. */
export const users = 100;

export const box = 'box';
/** The missing notifications count as lost if nothing has arrived for this time, in ms. */
const giveUpMs = 5000;

/**
 * Posts notifications at an even pace and returns the 99th percentile of the time from the 202 to the webhook, in ms.
 * This process receives the 202 and the webhook's request, so one clock measures both.
 */
export async function evenLoad(size: Size, url: string, sandbox: Sandbox, key?: string): Promise<Measured> {
  const producer = new Producer(url, 10, key);
  const count = warmUp + measuredOf(size);
  const acceptedAt: number[] = [];
  await evenly(count, perSecond, async (index) => {
    await producer.post(JSON.stringify(mailNotification(index, users)));
    acceptedAt[index] = Date.now();
  });
  await producer.close();
  const { items, accepted, duplicates } = await arrivals(sandbox, count);
  const latencies = items.flatMap(({ at, body }) => {
    const index = indexIn(body);
    return index < warmUp ? [] : at - (acceptedAt[index] ?? NaN);
  });
  const details = { 'p50 ms': median(latencies) };
  return { value: percentile(latencies, 0.99), lost: count - accepted, duplicated: duplicates, details };
}

/** Waits until `expected` deliveries have arrived or nothing more arrives, and returns all arrivals. */
async function arrivals(sandbox: Sandbox, expected: number): Promise<WebhookArrivalsView> {
  let last = { accepted: -1, at: performance.now() };
  for (;;) {
    const answer = await fetch(`${sandbox.url}/webhooks/${box}/arrivals`);
    const view = (await answer.json()) as WebhookArrivalsView;
    if (view.accepted > last.accepted) last = { accepted: view.accepted, at: performance.now() };
    if (view.accepted >= expected || performance.now() - last.at > giveUpMs) return view;
    await pause(100);
  }
}

function indexIn(body: string): number {
  return Number((JSON.parse(body) as { payload: { id: string } }).payload.id);
}
