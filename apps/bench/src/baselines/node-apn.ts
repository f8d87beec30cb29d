// The Provider of @parse/node-apn alone: no queue, no recorded outcome, prepared texts. It sends the same push as PNS over the
// same kind of connection, with several hundred in flight at once. As the limit of `apns`, the notifications come from jobs of BullMQ.
import { randomUUID } from 'node:crypto';
import { Notification, Provider } from '@parse/node-apn';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { mailNotification, type Notification as Posted } from '../notifications';

const inFlight = 500;
/** Jobs in progress at once, each with as many notifications as `PushJob` has. */
const concurrency = 2;

/** A job of the limit: notifications from number `first` on. */
export interface PushJob {
  readonly first: number;
  readonly notifications: readonly Posted[];
}

const { url, ca, key, topic, devices, count, redisUrl } = JSON.parse(process.argv[2] ?? '') as {
  url: string;
  ca: string;
  key: { privatekey: string; keyid: string; teamid: string };
  topic: string;
  devices: number;
  count: number;
  /** The Redis with the jobs; absent if there is no queue. */
  redisUrl?: string;
};

const { hostname, port } = new URL(url);
const provider = new Provider({
  address: hostname,
  port: Number(port),
  ca: [ca],
  // The time-out in ms is long, because this machine also runs the provider of the sandbox.
  requestTimeout: 30_000,
  token: { key: key.privatekey, keyId: key.keyid, teamId: key.teamid },
});

const expiry = Math.floor(Date.now() / 1000) + 24 * 3600;

async function push(index: number, { payload }: Posted): Promise<void> {
  const note = new Notification();
  note.id = randomUUID();
  note.topic = topic;
  note.pushType = 'alert';
  note.priority = 10;
  note.expiry = expiry;
  note.collapseId = `mail-${index}`;
  note.alert = { title: String(payload['subject']), body: `Jane Doe\n${String(payload['subject'])}` };
  note.badge = Number(payload['unread']);
  note.sound = 'default';
  note.aps.category = 'new-message-category';
  note.payload = { cid: `default0/INBOX/${index}`, namespace: '/' };
  const { failed } = await provider.send(note, (index % devices).toString(16).padStart(64, '0'));
  if (failed.length > 0) throw new Error(`A push failed: ${JSON.stringify(failed[0])}`);
}

async function run(): Promise<void> {
  // Apple allows one stream until it has accepted a token, so the first push is sent alone.
  await push(0, mailNotification(0));
  process.send?.({});
  if (redisUrl !== undefined) return startWorker(redisUrl);
  let next = 1;
  const send = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await push(index, mailNotification(index));
  };
  await Promise.all(Array.from({ length: inFlight }, send));
}

function startWorker(redis: string): void {
  const connection = new Redis(redis, { maxRetriesPerRequest: null });
  const pushAll = async ({ first, notifications }: PushJob): Promise<void> =>
    void (await Promise.all(notifications.map((notification, at) => push(first + at, notification))));
  new Worker<PushJob>('pushes', ({ data }) => pushAll(data), { connection, concurrency });
}

void run();
