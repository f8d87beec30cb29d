// Sends notifications to PNS: node producer.mjs < notifications.ndjson. Node 20 or later, no packages.
/* global fetch, AbortSignal */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { PNS_URL = 'http://localhost:3000', PNS_KEY } = process.env;
const linesPerBatch = 500;
const attempts = 12;
const timeoutMs = 60_000;
/** Faults of the service, not of the notification. */
const temporary = new Set(['RATE_LIMITED', 'OVERLOADED', 'REDIS_UNREACHABLE', 'STOPPING']);
const counts = { accepted: 0, duplicate: 0, refused: 0 };

/** Returns the status, delay and body of the answer. Without an answer the status is 0, and the lines may have arrived. */
async function post(lines) {
  try {
    const response = await fetch(`${PNS_URL}/v1/notifications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${PNS_KEY}`, 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = await response.json().catch(() => ({}));
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
  } catch (error) {
    return { status: 0, body: { detail: error.cause?.message ?? error.message } };
  }
}

/** The server's delay, else a random delay that doubles after each attempt, so that producers do not all return at once. */
function delaySeconds(retryAfter, attempt) {
  if (/^\d+$/.test(retryAfter ?? '')) return Number(retryAfter);
  return Math.min(60, 2 ** attempt) * (0.5 + Math.random() / 2);
}

function refuse(line, { code, error, detail }) {
  counts.refused++;
  console.error(`${JSON.parse(line).id}: ${code} ${error ?? detail}`);
}

/** Counts the lines that have a result, and returns the others. */
function withoutResult(lines, { status, body }) {
  if (status === 202) body.notifications.forEach((each) => counts[each.status]++);
  if (status === 202) return [];
  if (status === 0 || status === 429 || status >= 500) return lines;
  if (status !== 207) {
    const errors = new Map(body.errors?.map((each) => [each.index, each]));
    lines.forEach((line, index) => refuse(line, errors.get(index) ?? body));
    return [];
  }
  const listed = new Map(body.notifications.map((each) => [each.index, each.status]));
  const errors = new Map(body.errors.map((each) => [each.index, each]));
  return lines.filter((line, index) => {
    const error = errors.get(index);
    if (listed.has(index)) counts[listed.get(index)]++;
    else if (error === undefined || temporary.has(error.code)) return true;
    else refuse(line, error);
    return false;
  });
}

async function send(batch) {
  let lines = batch;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const answer = await post(lines);
    lines = withoutResult(lines, answer);
    if (lines.length === 0) return;
    await sleep(1000 * delaySeconds(answer.retryAfter, attempt));
  }
  throw new Error(`${lines.length} notifications were not sent; start again with the same lines.`);
}

let batch = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue;
  // An id that is generated here would differ after a restart, so that the notification would be sent twice.
  if (typeof JSON.parse(line).id !== 'string') throw new Error(`A notification needs the id of its event: ${line}`);
  batch.push(line);
  if (batch.length === linesPerBatch) await send(batch.splice(0));
}
if (batch.length > 0) await send(batch);
console.log(`${counts.accepted} accepted, ${counts.duplicate} duplicates, ${counts.refused} refused`);
process.exitCode = counts.refused === 0 ? 0 : 1;
