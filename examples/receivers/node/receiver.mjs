// Receives webhooks of PNS, verifies them, and prints each notification once. Node 20 or later, no packages.
import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';
import { hasKey, oxId, standardId } from './signatures.mjs';

const { PORT = '8080', WEBHOOK_SECRET, WEBHOOK_PREVIOUS_SECRET, WEBHOOK_SIGNATURE = 'standard' } = process.env;
if (!WEBHOOK_SECRET) throw new Error('Set WEBHOOK_SECRET to the signatureSecret of the webhook.');
const secrets = [WEBHOOK_SECRET, WEBHOOK_PREVIOUS_SECRET].filter(Boolean);
if (!secrets.every(hasKey)) throw new Error('A secret that begins with whsec_ must contain a key in base64.');
// Only one of the two signatures is accepted: a receiver that accepts either is only as strict as the weaker one.
const idOf = { standard: standardId, ox: oxId }[WEBHOOK_SIGNATURE];

const maxBodyBytes = 512 * 1024;
/** How long ids are kept: longer than PNS retries. */
const rememberedMs = 48 * 3_600_000;
/** Ids of handled requests, oldest first. Several processes need a table with a unique key instead. */
const handled = new Map();

/** Your code, which may be async. If it throws, the answer is 500 and PNS sends the notification again. */
function handle({ event, payload }) {
  console.log(`${event} for user ${payload.user}: ${payload.subject ?? payload.folder ?? ''}`);
}

async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function statusFor(request) {
  if (request.method !== 'POST') return 405;
  const body = await bodyOf(request);
  if (body === undefined) return 413;
  const now = Date.now();
  const id = idOf({ headers: request.headers, body, secrets, now });
  // 403, 404, 405 and 410 would end the subscription.
  if (id === undefined) return 401;
  for (const [old, at] of handled) {
    if (now - at < rememberedMs) break;
    handled.delete(old);
  }
  if (handled.has(id)) return 204;
  await handle(JSON.parse(body.toString()));
  handled.set(id, now);
  return 204;
}

const server = createServer((request, response) => {
  statusFor(request).then(
    (status) => response.writeHead(status, status === 413 ? { connection: 'close' } : {}).end(),
    (error) => {
      console.error(error.message);
      response.writeHead(500).end();
    },
  );
});
server.listen(Number(PORT), () => console.log(`Listening on port ${PORT}`));
