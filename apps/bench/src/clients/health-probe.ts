// Requests a health check at a steady pace, each over a new connection as Kubernetes does, and records the slowest answer. It
// runs in a separate process, because the process that makes the load and receives the deliveries is often busy for longer than
// PNS takes to answer.
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { answerQuestions } from '../child';

/** The URL to request. */
export interface HealthQuestion {
  readonly url: string;
}

/** The time of the slowest answer since the previous question, in ms; 0 for the first question. */
export interface HealthAnswer {
  readonly slowestMs: number;
}

/** The time between an answer and the next request, in ms. */
const paceMs = 50;

let slowestMs = 0;
let isProbing = false;

/** Requests the health check without end. A request that fails ends the process. */
async function probe(url: string): Promise<void> {
  for (;;) {
    const startedAt = performance.now();
    const { body } = await request(url, { reset: true });
    await body.dump();
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    await pause(paceMs);
  }
}

answerQuestions<HealthQuestion>(({ url }) => {
  const answer: HealthAnswer = { slowestMs };
  slowestMs = 0;
  if (!isProbing) void probe(url);
  isProbing = true;
  return Promise.resolve(answer);
});
