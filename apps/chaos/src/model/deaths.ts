import type { Step } from './steps';

/** More requests than a process sends for one step of a notification. */
const mostRequests = 12;

const post = (which: number): Step => ({ do: 'post', which, api: 0 });
const one: Step = { do: 'release', which: 0, count: 1 };
const some: Step = { do: 'release', which: 0, count: 8 };
const fetch: Step = { do: 'fetch', which: 0 };
const untilTick: Step = { do: 'advance to the next job' };
const arrives: Step = { do: 'answer', which: 0, outcome: { kind: 'delivered' } };
const fails: Step = { do: 'answer', which: 0, outcome: { kind: 'retry', reason: 'HTTP 503' } };
const checkpoint: Step = { do: 'advance', ms: 30 };
const recover: Step = { do: 'recover' };
const repeat: Step = { do: 'repeat', which: 0, api: 0 };
const dies = (isSent: boolean): Step => ({ do: 'kill', which: 0, isSent });

const times = (count: number, step: Step): Step[] => new Array<Step>(count).fill(step);

/** Two notifications of two users are accepted. */
const accepted = [post(0), post(1), ...times(4, some)];
/** The windows of both are due, and a dispatcher has fetched the tick. */
const taken = [...accepted, untilTick, fetch];
/** A worker has the two deliveries of one job. */
const sent = [...taken, ...times(8, some), fetch, ...times(4, some)];

/** The steps before a process dies. In each entry, another step of a notification is in progress. */
const places: readonly (readonly Step[])[] = [
  [post(0), post(1)],
  taken,
  [...taken, ...times(8, some), fetch],
  [...sent, arrives, checkpoint],
  [...sent, arrives, fails, checkpoint],
];

/**
 * Runs in which a working process dies: one run for each of its requests, before and after Redis executes the request. Then a
 * producer without an answer posts again.
 */
export const deaths: readonly (readonly Step[])[] = places.flatMap((before) =>
  Array.from({ length: mostRequests }, (_, requests) => requests).flatMap((requests) =>
    [true, false].map((isSent) => [
      ...before,
      ...times(requests, one),
      dies(isSent),
      recover,
      repeat,
      ...times(4, some),
    ]),
  ),
);
