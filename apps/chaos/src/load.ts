import { setTimeout as pause } from 'node:timers/promises';
import { apiKey, newMail } from '@pns/e2e';
import type { Fleet } from './fleet';
import type { Ledger } from './ledger';

/** A request without an answer is aborted after this time, in ms, because its API process may be frozen. */
const answerWithinMs = 10_000;
/** The interval between two batches, in ms. */
const paceMs = 100;
/**
 * The first and the longest pause before a producer repeats notifications that were not accepted, in ms. Each pause is twice as
 * long as the previous one, because hundreds of batches wait during an outage of ten seconds.
 */
const [repeatMs, mostRepeatMs] = [250, 4000] as const;
/** The run fails if a request is not accepted for this time, in ms. */
const acceptedWithinMs = 300_000;

/** A text by which a notification is recognised in every form in which it arrives. */
export const marker = /chaos-\d{7}/;

/** The index of a notification among all posted ones, from 0. */
export function indexOf(id: string): number {
  return Number(id.slice('chaos-'.length));
}

/** When a webhook's request was signed and sent, in ms since the epoch. `rawHeaders`: names and values in turn, as in Node. */
export function signedAt(rawHeaders: readonly string[]): number | undefined {
  const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'x-ox-signature');
  const time = at === -1 ? undefined : /^t=(\d+),/.exec(rawHeaders[at + 1] ?? '')?.[1];
  return time === undefined ? undefined : Number(time);
}

/** The user of the notification with this index. */
export function userOf(index: number, users: number): number {
  return 1 + (index % users);
}

/** The number of requests by their answer. A request without an answer was sent to a process that died, was frozen or stopped. */
export type Answers = Record<'accepted' | 'refused with 503' | 'without an answer', number>;

interface LoadOptions {
  readonly count: number;
  readonly perSecond: number;
  readonly users: number;
  /** Ends the load. */
  readonly signal: AbortSignal;
}

/** Posts `count` notifications at an even rate to the users in turn. Repeats each notification until it is accepted. */
export async function load(fleet: Fleet, ledger: Ledger, options: LoadOptions): Promise<Answers> {
  const answers: Answers = { accepted: 0, 'refused with 503': 0, 'without an answer': 0 };
  const { count, perSecond, signal } = options;
  const startedAt = performance.now();
  const perBatch = Math.max(1, Math.round((perSecond * paceMs) / 1000));
  const posts: Promise<void>[] = [];
  let failed: unknown;
  for (let at = 0; at < count; at += perBatch) {
    await pause(Math.max(0, startedAt + (at / perSecond) * 1000 - performance.now()), undefined, { signal });
    if (failed !== undefined) break;
    const indices = Array.from({ length: Math.min(perBatch, count - at) }, (_, index) => at + index);
    const post = postUntilAccepted(fleet, ledger, indices, options, answers);
    post.catch((error: unknown) => (failed = error));
    posts.push(post);
  }
  await Promise.all(posts);
  return answers;
}

async function postUntilAccepted(
  fleet: Fleet,
  ledger: Ledger,
  indices: readonly number[],
  { users, signal }: LoadOptions,
  answers: Answers,
): Promise<void> {
  const ids = indices.map((index) => `chaos-${String(index).padStart(7, '0')}`);
  const notifications = ids.map((id, index) => ({
    ...{ id, context: 1, user: userOf(indices[index] as number, users), topic: 'ox:mail:new' },
    payload: { ...newMail, id, subject: id },
  }));
  const body = JSON.stringify({ notifications });
  ledger.posted(ids);
  const endsAt = performance.now() + acceptedWithinMs;
  const firstApi = Math.floor((indices[0] as number) / indices.length);
  for (let tries = 0; ; tries++) {
    const answer = await answerTo(fleet, body, firstApi + tries);
    answers[answer]++;
    if (answer === 'accepted') break;
    if (performance.now() > endsAt) throw new Error(`No API accepted ${ids[0]} within ${acceptedWithinMs / 1000} s.`);
    await pause(Math.min(repeatMs * 2 ** tries, mostRepeatMs), undefined, { signal });
  }
  for (const id of ids) ledger.accepted(id);
}

/** Sends a request to one of the API processes, which `turn` chooses. Without an answer, nothing counts as accepted. */
async function answerTo(fleet: Fleet, body: string, turn: number): Promise<keyof Answers> {
  const apis = fleet.serving('api');
  const api = apis[turn % apis.length];
  if (api === undefined) return 'without an answer';
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(answerWithinMs);
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${api.url}/v1/notifications`, { method: 'POST', headers, body, signal });
    text = await answer.text();
  } catch {
    return 'without an answer';
  }
  if (answer.status === 202) return 'accepted';
  if (answer.status === 503 && answer.headers.has('retry-after')) return 'refused with 503';
  throw new Error(`POST /v1/notifications answered ${answer.status} without Retry-After: ${text}`);
}
