// web-push and the HTTP client of PNS alone: no queue, no recorded outcome, prepared texts. web-push makes a pair of keys and a
// VAPID token for each message. The client may open as many kept connections as PNS.
import { Pool } from 'undici';
import { generateRequestDetails, type PushSubscription } from 'web-push';
import { mailNotification } from '../notifications';

const inFlight = 200;

const { ca, connections, vapidDetails, keys, base, count } = JSON.parse(process.argv[2] ?? '') as {
  ca: string;
  connections: number;
  vapidDetails: { subject: string; publicKey: string; privateKey: string };
  /** The keys of the browsers. */
  keys: readonly [PushSubscription['keys'], ...PushSubscription['keys'][]];
  /** The endpoint of a message without its number at the end. */
  base: string;
  count: number;
};

const pool = new Pool(new URL(base).origin, { connections, connect: { ca } });

/** The message that PNS sends for this notification. */
function messageFor(index: number): string {
  const { topic, payload } = mailNotification(index);
  const { subject, displayname, unread } = payload as { subject: string; displayname: string; unread: number };
  const id = `delivery-${index}`;
  const notification = { title: subject, body: `${displayname}\n${subject}`, tag: id, app_badge: unread };
  const cid = `default0/INBOX/${index}`;
  return JSON.stringify({
    ...{ web_push: 8030, notification, app_badge: unread, id, topic, timestamp: Date.now(), cid, data: payload },
  });
}

async function push(index: number): Promise<void> {
  const subscription = { endpoint: `${base}${index}`, keys: keys[index % keys.length] ?? keys[0] };
  const options = { vapidDetails, TTL: 24 * 3600, urgency: 'high', contentEncoding: 'aes128gcm' } as const;
  const { endpoint, headers, body } = generateRequestDetails(subscription, messageFor(index), options);
  const answer = await pool.request({
    path: new URL(endpoint).pathname,
    method: 'POST',
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body,
  });
  await answer.body.dump();
  if (answer.statusCode !== 201) throw new Error(`The push service answered ${answer.statusCode}.`);
}

async function run(): Promise<void> {
  process.send?.({});
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < count) await push(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, send));
}

void run();
