import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { generateVAPIDKeys, sendNotification } from 'web-push';
import { WebSocket } from 'ws';
import { type Sandbox, startSandbox } from '../sandbox';
import { decrypted, newSubscriptionKeys } from './message-encryption';

const vapid = generateVAPIDKeys();
const keys = newSubscriptionKeys();
const opened: Browser[] = [];

let sandbox: Sandbox;
let agent: Agent;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  agent = new Agent({ ca: sandbox.providers?.authority.cert });
});
afterEach(() => {
  for (const { socket } of opened.splice(0)) socket.terminate();
});
afterAll(async () => {
  agent.destroy();
  await sandbox.close();
});

type Message = Readonly<Record<string, unknown>>;

/** A client that uses the same protocol as Firefox. */
class Browser {
  private readonly received: Message[] = [];
  private waiting: ((message: Message) => void) | undefined;

  constructor(readonly socket: WebSocket) {
    opened.push(this);
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message;
      if (this.waiting === undefined) this.received.push(message);
      else this.waiting(message);
      this.waiting = undefined;
    });
  }

  static async open(): Promise<Browser> {
    const socket = new WebSocket(sandbox.browserSocketUrl, 'push-notification');
    await once(socket, 'open');
    return new Browser(socket);
  }

  next(): Promise<Message> {
    const message = this.received.shift();
    return message !== undefined ? Promise.resolve(message) : new Promise((resolve) => (this.waiting = resolve));
  }

  ask(message: object): Promise<Message> {
    this.socket.send(JSON.stringify(message));
    return this.next();
  }

  async hello(uaid?: string): Promise<string> {
    const answer = await this.ask({ messageType: 'hello', broadcasts: {}, use_webpush: true, ...(uaid && { uaid }) });
    expect(answer).toMatchObject({ messageType: 'hello', status: 200, use_webpush: true, broadcasts: {} });
    return answer['uaid'] as string;
  }

  async register(channelID = randomUUID(), key: string | undefined = vapid.publicKey) {
    const answer = await this.ask({ messageType: 'register', channelID, key });
    expect(answer).toMatchObject({ messageType: 'register', channelID, status: 200 });
    return { channelID, endpoint: answer['pushEndpoint'] as string };
  }

  /** Resolves when the sandbox has read all messages that were sent before. */
  async isRead(): Promise<void> {
    expect(await this.ask({})).toEqual({});
  }
}

const vapidDetails = { subject: 'mailto:push@example.com', ...vapid };

async function push(endpoint: string, text: string | null, more: { TTL?: number; topic?: string } = {}) {
  const subscription = {
    endpoint,
    keys: { p256dh: keys.p256dh.toString('base64url'), auth: keys.auth.toString('base64url') },
  };
  const options = { vapidDetails, agent, contentEncoding: 'aes128gcm', TTL: 60, ...more } as const;
  return (await sendNotification(subscription, text, options)).statusCode;
}

const textOf = ({ data }: Message): string => decrypted(Buffer.from(data as string, 'base64url'), keys).toString();

async function stateOf(uaid: string): Promise<object | undefined> {
  const browsers = (await (await fetch(`${sandbox.url}/webpush/browsers`)).json()) as { uaid: string }[];
  return browsers.find((browser) => browser.uaid === uaid);
}

it('a browser subscribes, receives an encrypted message, and reports it', async () => {
  const browser = await Browser.open();
  const uaid = await browser.hello();
  const { channelID, endpoint } = await browser.register();
  expect(endpoint).toMatch(/^https:\/\/localhost:\d+\/push\/[\w-]{43}$/);
  expect(await push(endpoint, 'To a real browser')).toBe(201);
  const message = await browser.next();
  expect(message).toMatchObject({
    messageType: 'notification',
    channelID,
    ttl: 60,
    headers: { encoding: 'aes128gcm' },
  });
  expect(textOf(message)).toBe('To a real browser');

  const updates = [{ channelID, version: message['version'], code: 100 }];
  browser.socket.send(JSON.stringify({ messageType: 'ack', updates }));
  await browser.isRead();
  const reported = { delivered: 1, undecryptable: 0, notDelivered: 0 };
  expect(await stateOf(uaid)).toEqual({ uaid, isConnected: true, channels: [channelID], pending: 0, reported });
});

it('a message without content has no data', async () => {
  const browser = await Browser.open();
  await browser.hello();
  const { endpoint } = await browser.register();
  await push(endpoint, null);
  const message = await browser.next();
  expect(message).not.toHaveProperty('data');
  expect(message).not.toHaveProperty('headers');
});

it('only the application server with the key of the subscription may send', async () => {
  const browser = await Browser.open();
  await browser.hello();
  const { endpoint } = await browser.register(undefined, generateVAPIDKeys().publicKey);
  await expect(push(endpoint, 'text')).rejects.toMatchObject({ statusCode: 403 });
});

it('a browser that reconnects gets the last message of each topic, and again those that it has not reported', async () => {
  const before = await Browser.open();
  const uaid = await before.hello();
  const { endpoint } = await before.register();
  await push(endpoint, 'unreported');
  await before.next();
  before.socket.close();
  await once(before.socket, 'close');
  await push(endpoint, 'first of the topic', { topic: 'inbox' });
  await push(endpoint, 'now or never', { TTL: 0 });
  await push(endpoint, 'second of the topic', { topic: 'inbox' });

  const after = await Browser.open();
  expect(await after.hello(uaid)).toBe(uaid);
  expect([textOf(await after.next()), textOf(await after.next())]).toEqual(['unreported', 'second of the topic']);
  await after.isRead();
});

it('an unknown user agent id is replaced, so that the browser subscribes again', async () => {
  const browser = await Browser.open();
  expect(await browser.hello('of-an-earlier-start')).not.toBe('of-an-earlier-start');
});

it('a channel that is registered again keeps its endpoint, and one that is unregistered is deleted', async () => {
  const browser = await Browser.open();
  await browser.hello();
  const { channelID, endpoint } = await browser.register();
  expect((await browser.register(channelID)).endpoint).toBe(endpoint);
  const answer = await browser.ask({ messageType: 'unregister', channelID, code: 200 });
  expect(answer).toEqual({ messageType: 'unregister', channelID, status: 200 });
  await expect(push(endpoint, 'text')).rejects.toMatchObject({ statusCode: 410 });
});

it.each<[string, string]>([
  ['no JSON', 'hello'],
  ['an unknown message', '{"messageType":"purge"}'],
  [
    'a registration before the greeting',
    '{"messageType":"register","channelID":"d9b74644-4f97-46aa-b8fa-9393985cd6cd"}',
  ],
  ['the old protocol', '{"messageType":"hello","uaid":"","channelIDs":[]}'],
])('a connection with %s is closed', async (_, text) => {
  const { socket } = await Browser.open();
  socket.send(text);
  expect((await once(socket, 'close'))[0]).toBe(1002);
});

it('pings are answered, and broadcasts are ignored', async () => {
  const browser = await Browser.open();
  await browser.hello();
  browser.socket.send('{"messageType":"broadcast_subscribe","broadcasts":{"a":"1"}}');
  await browser.isRead();
});

it('there is no Web Socket at another path', async () => {
  const socket = new WebSocket(`${sandbox.url.replace('http', 'ws')}/socket.io/`);
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toContain('404');
});
