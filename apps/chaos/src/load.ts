import { setTimeout as pause } from 'node:timers/promises';
import { apiKey, newMail } from '@pns/e2e';
import type { Fleet } from './fleet';
import type { Ledger } from './ledger';

/** A request without an answer is given up after this time, in ms: its API process may be frozen. */
const answerWithinMs = 10_000;
/** The interval between two batches, in ms. */
const paceMs = 100;
/** After this time a producer repeats notifications that were not accepted, in ms. */
const repeatMs = 250;

/** A text by which a notification is recognised in every form in which it arrives. */
export const marker = /chaos-\d{7}/;

/** The index of a notification among all posted ones, from 0. */
export function indexOf(id: string): number {
  return Number(id.slice('chaos-'.length));
}

/** When a webhook's request was signed, which is when it was sent, in ms since the epoch. `rawHeaders`: as Node reads them. */
export function signedAt(rawHeaders: readonly string[]): number | undefined {
  const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'x-ox-signature');
  const time = at === -1 ? undefined : /^t=(\d+),/.exec(rawHeaders[at + 1] ?? '')?.[1];
  return time === undefined ? undefined : Number(time);
}

/** The user of the notification with this index. */
export function userOf(index: number, users: number): number {
  return 1 + (index % users);
}

/** Posts `count` notifications at an even rate to the users in turn, each until it is accepted. */
export async function load(
  fleet: Fleet,
  ledger: Ledger,
  { count, perSecond, users }: { readonly count: number; readonly perSecond: number; readonly users: number },
): Promise<void> {
  const startedAt = performance.now();
  const perBatch = Math.max(1, Math.round((perSecond * paceMs) / 1000));
  const posts: Promise<void>[] = [];
  for (let at = 0; at < count; at += perBatch) {
    await pause(Math.max(0, startedAt + (at / perSecond) * 1000 - performance.now()));
    const indices = Array.from({ length: Math.min(perBatch, count - at) }, (_, index) => at + index);
    posts.push(postUntilAccepted(fleet, ledger, indices, users));
  }
  await Promise.all(posts);
}

async function postUntilAccepted(
  fleet: Fleet,
  ledger: Ledger,
  indices: readonly number[],
  users: number,
): Promise<void> {
  const ids = indices.map((index) => `chaos-${String(index).padStart(7, '0')}`);
  const notifications = ids.map((id, index) => ({
    ...{ id, context: 1, user: userOf(indices[index] as number, users), topic: 'ox:mail:new' },
    payload: { ...newMail, id, subject: id },
  }));
  const body = JSON.stringify({ notifications });
  ledger.posted(ids);
  for (let api = (indices[0] as number) / indices.length; !(await isAccepted(fleet, body, Math.floor(api))); api++) {
    await pause(repeatMs);
  }
  for (const id of ids) ledger.accepted(id);
}

/** Sends requests to the API processes in turn. A request without an answer promises nothing. */
async function isAccepted(fleet: Fleet, body: string, turn: number): Promise<boolean> {
  const apis = fleet.living('api');
  const api = apis[turn % apis.length];
  if (api === undefined) return false;
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(answerWithinMs);
  let answer: Response;
  try {
    answer = await fetch(`${api.url}/v1/notifications`, { method: 'POST', headers, body, signal });
    await answer.text();
  } catch {
    return false;
  }
  if (answer.status === 202) return true;
  if (answer.status !== 503) throw new Error(`POST /v1/notifications answered ${answer.status}.`);
  return false;
}
