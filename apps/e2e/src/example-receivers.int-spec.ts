import { createHmac } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '@pns/local-servers';
import type { Delivery } from '@pns/transport-contract';
import { webhookOptions, WebhookTransport } from '@pns/transport-webhook';
import { ExampleProcess, examples, runtime } from './example-process';

const secret = 'a secret with sp\u00e4ces';
/** A secret in the form of Standard Webhooks. */
const previous = `whsec_${Buffer.from('the secret before it').toString('base64')}`;
const folder = mkdtempSync(join(tmpdir(), 'pns-receivers-'));
const schemes = ['standard', 'ox'] as const;
type Scheme = (typeof schemes)[number];

class Receiver extends ExampleProcess {
  constructor(
    readonly language: string,
    readonly scheme: Scheme,
    readonly port: number,
  ) {
    const program = (file: string) => join(examples, 'receivers', language, file);
    const commands: Readonly<Record<string, string[]>> = {
      node: [program('receiver.mjs')],
      python: ['-B', program('receiver.py')],
      php: ['-S', `127.0.0.1:${port}`, program('receiver.php')],
    };
    super(language, commands[language] ?? [], {
      PORT: String(port),
      WEBHOOK_SECRET: secret,
      WEBHOOK_PREVIOUS_SECRET: previous,
      WEBHOOK_SIGNATURE: scheme,
      WEBHOOK_HANDLED: join(folder, scheme),
    });
  }

  static async start(language: string, scheme: Scheme): Promise<Receiver> {
    const receiver = new Receiver(language, scheme, await freePort());
    await receiver.prints(language === 'php' ? 'started' : 'Listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }
}

const receivers: Receiver[] = [];
/** The server that records the requests of the transport. */
let recorder: Server;
let recorded: { headers: IncomingHttpHeaders; body: string } | undefined;
const transports: WebhookTransport[] = [];

beforeAll(async () => {
  recorder = createServer((request, response) => {
    void text(request).then((body) => {
      recorded = { headers: request.headers, body };
      response.end();
    });
  });
  recorder.listen(0, '127.0.0.1');
  await once(recorder, 'listening');
  const all = ['node', 'python', 'php'].flatMap((language) =>
    schemes.map((scheme) => Receiver.start(language, scheme)),
  );
  receivers.push(...(await Promise.all(all)));
});

afterAll(async () => {
  await Promise.all(receivers.map((receiver) => receiver.end()));
  await Promise.all(transports.map((transport) => transport.close()));
  recorder.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Signing {
  readonly secrets?: readonly [current: string, previous?: string];
  /** How long ago the notification and the attempt were, in seconds. */
  readonly ageSeconds?: number;
}

let deliveries = 0;

/** Delivers a notification with the webhook transport, and resolves with the outcome. */
async function deliver(url: string, subject: string, { secrets = [secret], ageSeconds = 0 }: Signing = {}) {
  const [signatureSecret, previousSignatureSecret] = secrets;
  const now = Date.now() - ageSeconds * 1000;
  const options = webhookOptions.parse({
    ...{ uri: url, signatureSecret, previousSignatureSecret, timeoutMillis: 60_000 },
    ...{ httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] },
  });
  const transport = new WebhookTransport({
    options: () => options,
    metaOf: () => Promise.resolve(undefined),
    now: () => now,
  });
  transports.push(transport);
  const delivery: Delivery = {
    ...{ id: `delivery-${++deliveries}`, notificationId: 'n-1', context: 1, user: 14, client: 'receiver' },
    transport: 'webhook',
    priority: 'high',
    ...{ token: url, topic: 'ox:mail:new', count: 1, attempt: 1, timestamp: now, dueAt: now },
    payload: { folder: 'default0/INBOX', id: '113', subject },
  };
  return transport.deliver(delivery, new AbortController().signal);
}

interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The request that the transport sends for a notification. */
async function request(subject: string, signing: Signing = {}): Promise<Request> {
  await deliver(`http://127.0.0.1:${(recorder.address() as AddressInfo).port}/`, subject, signing);
  const { headers, body } = recorded as { headers: Record<string, string>; body: string };
  const names = ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-ox-signature'];
  return { headers: Object.fromEntries(names.map((name) => [name, headers[name] as string])), body };
}

async function statusOf({ url }: Receiver, { headers, body }: Request): Promise<number> {
  const { status } = await fetch(url, { method: 'POST', headers, body });
  return status;
}

const timesPrinted = ({ output }: Receiver, subject: string) => output.split(subject).length - 1;

/** Runs `check` for each receiver. */
const each = (check: (receiver: Receiver) => Promise<void>) => Promise.all(receivers.map(check));

it.each<[string, Signing]>([
  ['the current secret', {}],
  ['both secrets, while they change', { secrets: ['a secret that the receiver does not know yet', secret] }],
  ['the previous secret', { secrets: [previous] }],
])('all receivers accept a delivery that the transport signs with %s', async (name, signing) => {
  await each(async (receiver) => {
    expect(await deliver(receiver.url, name, signing)).toEqual({ kind: 'delivered' });
    await receiver.prints(`ox:mail:new for user 14: ${name}`);
  });
});

it('a repeated request is accepted and handled once', async () => {
  const first = await request('Repeated');
  const another = await request('After it');
  await each(async (receiver) => {
    for (const sent of [first, first, another]) expect(await statusOf(receiver, sent)).toBe(204);
    await receiver.prints('After it');
    expect(timesPrinted(receiver, 'Repeated')).toBe(1);
  });
});

it('a later attempt of the same delivery is handled once', async () => {
  const { headers, body } = await request('Attempt 1');
  deliveries--;
  const later = await request('Attempt 2', { ageSeconds: -60 });
  // The attempts have the same body. Only the Standard Webhooks signature contains the time of the attempt.
  await each(async (receiver) => {
    expect(await statusOf(receiver, { headers, body })).toBe(204);
    if (receiver.scheme === 'ox') return;
    expect(later.headers['webhook-id']).toBe(headers['webhook-id']);
    expect(await statusOf(receiver, later)).toBe(204);
    expect(timesPrinted(receiver, 'Attempt 2')).toBe(0);
  });
});

it('a request that cannot be handled is answered with 500, and again when it is repeated', async () => {
  const { headers, body } = await request('Broken');
  const signedAgain = (receiver: Receiver): Request => {
    const broken = body.slice(0, -1);
    const time = headers['webhook-timestamp'] as string;
    const id = `broken-${receiver.language}`;
    const standard = createHmac('sha256', secret).update(`${id}.${time}.${broken}`).digest('base64');
    const ox = createHmac('sha256', secret).update(`v1:${time}000:${broken}`).digest('hex');
    const signatures = { 'webhook-signature': `v1,${standard}`, 'x-ox-signature': `t=${time}000,v1=${ox}` };
    return { headers: { ...headers, 'webhook-id': id, ...signatures }, body: broken };
  };
  await each(async (receiver) => {
    const broken = signedAgain(receiver);
    for (let attempt = 0; attempt < 2; attempt++) expect(await statusOf(receiver, broken)).toBe(500);
  });
});

const changedHeader =
  (change: (value: string, name: string) => string | undefined) =>
  ({ headers, body }: Request): Request => {
    const changed = Object.entries(headers).flatMap(([name, value]) => {
      const isSignature = name.endsWith('-signature');
      const now = isSignature ? change(value, name) : value;
      return now === undefined ? [] : [[name, now] as const];
    });
    return { headers: Object.fromEntries(changed), body };
  };

const changedBody =
  (change: (body: string) => string) =>
  ({ headers, body }: Request): Request => ({ headers, body: change(body) });

/** How a valid request is changed, and how it was signed. */
const refused: readonly (readonly [name: string, change: (valid: Request) => Request, signing?: Signing])[] = [
  ['another user in the body', changedBody((body) => body.replace('14', '15'))],
  ['a blank after the body', changedBody((body) => `${body} `)],
  ['a body that is cut', changedBody((body) => body.slice(0, -1))],
  ['no body', changedBody(() => '')],
  ['no signature', changedHeader(() => undefined)],
  ['an empty signature', changedHeader(() => '')],
  ['a cut signature', changedHeader((value) => value.slice(0, -1))],
  ['another digit in the signature', changedHeader((value) => value.replace(/.(=?)$/, (_, end) => `!${String(end)}`))],
  ['a signature of another version', changedHeader((value) => value.replace('v1', 'v2'))],
  ['a signature with letters of another script', changedHeader((value) => `${value.slice(0, -2)}\u00e4\u00e4`)],
  ['the headers of another request', ({ body }) => ({ headers: foreign.headers, body })],
  ['a later time', ({ headers, body }) => ({ headers: laterTime(headers), body })],
  [
    'a time with an exponent',
    ({ headers, body }) => ({
      headers: {
        ...headers,
        'webhook-timestamp': '1e9',
        'x-ox-signature': (headers['x-ox-signature'] as string).replace(/t=\d+/, 't=1e12'),
      },
      body,
    }),
  ],
  ['a signature of three days ago', (valid) => valid, { ageSeconds: 259_200 }],
  ['a signature of the day after tomorrow', (valid) => valid, { ageSeconds: -180_000 }],
  ['another secret', (valid) => valid, { secrets: ['guessed'] }],
  ['two other secrets', (valid) => valid, { secrets: ['guessed', 'also guessed'] }],
];

let foreign: Request;

function laterTime(headers: Request['headers']): Record<string, string> {
  const later = (digits: string) => String(Number(digits) + 1);
  return {
    ...headers,
    'webhook-timestamp': later(headers['webhook-timestamp'] as string),
    'x-ox-signature': (headers['x-ox-signature'] as string).replace(/\d+/, later),
  };
}

it.each(refused.map(([name, change, signing = {}]) => [name, change, signing] as const))(
  'all receivers refuse a request with %s',
  async (name, change, signing) => {
    foreign = await request('Another request');
    const sent = change(await request(`Refused: ${name}`, signing));
    await each(async (receiver) => {
      expect([receiver.language, receiver.scheme, await statusOf(receiver, sent)]).toEqual([
        receiver.language,
        receiver.scheme,
        401,
      ]);
      expect(timesPrinted(receiver, 'Refused')).toBe(0);
    });
  },
);

it('a signature that is six minutes old is refused for Standard Webhooks, and accepted for X-OX-Signature, whose time is the same in all retries', async () => {
  const sent = await request('Of six minutes ago', { ageSeconds: 360 });
  await each(async (receiver) => {
    expect(await statusOf(receiver, sent)).toBe(receiver.scheme === 'standard' ? 401 : 204);
  });
});

it('a request with another id is refused for Standard Webhooks, and is a repeat for X-OX-Signature', async () => {
  const { headers, body } = await request('Another id');
  await each(async (receiver) => {
    expect(await statusOf(receiver, { headers, body })).toBe(204);
    const status = await statusOf(receiver, { headers: { ...headers, 'webhook-id': 'another' }, body });
    expect(status).toBe(receiver.scheme === 'standard' ? 401 : 204);
    await receiver.prints('Another id');
    expect(timesPrinted(receiver, 'Another id')).toBe(1);
  });
});

/** Code that calls both functions of a file. One accepted secret has an empty key, so anybody can sign the request. */
const verifications: readonly (readonly [language: string, flags: readonly string[], code: string])[] = [
  [
    'node',
    ['-e'],
    `import('./node/signatures.mjs').then(({ standardId, oxId }) => {
       const { headers, empty } = JSON.parse(process.argv[1]);
       const request = { headers, body: Buffer.from('{}'), secrets: empty, now: 1e12 };
       console.log(JSON.stringify([standardId(request) ?? null, oxId(request) ?? null]));
     })`,
  ],
  [
    'python',
    ['-B', '-c'],
    `import json, sys
sys.path.insert(0, 'python')
from signatures import standard_id, ox_id
given = json.loads(sys.argv[1])
request = given['headers'], b'{}', given['empty']
print(json.dumps([standard_id(*request, now=1e9), ox_id(*request, now=1e9)]))`,
  ],
  [
    'php',
    ['-r'],
    `require 'php/signatures.php';
     $given = json_decode($argv[1], true);
     $request = [$given['headers'], '{}', $given['empty'], 1e9];
     echo json_encode([standardId(...$request), oxId(...$request)]);`,
  ],
];

it.each(verifications)('in %s, a request that is signed with an empty key is refused', (language, flags, code) => {
  const hmac = (text: string) => createHmac('sha256', '').update(text);
  const headers = {
    'webhook-id': 'forged',
    'webhook-timestamp': '1000000000',
    'webhook-signature': `v1,${hmac('forged.1000000000.{}').digest('base64')}`,
    'x-ox-signature': `t=1000000000000, v1=${hmac('v1:1000000000000:{}').digest('hex')}`,
  };
  const given = JSON.stringify({ headers, empty: ['', 'whsec_', 'whsec_!', 'whsec_===='] });
  const { file, env } = runtime(language);
  const ended = spawnSync(file, [...flags, code, given], { env, cwd: join(examples, 'receivers'), encoding: 'utf8' });
  expect([JSON.parse(ended.stdout), ended.stderr]).toEqual([[null, null], '']);
});

it.each([
  [process.execPath, 'node/receiver.mjs', 'whsec_'],
  [process.execPath, 'node/receiver.mjs', 'whsec_!!'],
  ['python3', 'python/receiver.py', 'whsec_'],
  ['python3', 'python/receiver.py', 'whsec_!!'],
])('%s does not start %s with the secret %s, which has an empty key', (program, file, empty) => {
  const env = { PATH: process.env['PATH'] ?? '', PORT: '0', WEBHOOK_SECRET: secret, WEBHOOK_PREVIOUS_SECRET: empty };
  const { status, stderr } = spawnSync(program, [join(examples, 'receivers', file)], {
    env,
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining('must contain a key')]);
});

it.each([
  [process.execPath, 'node/receiver.mjs'],
  ['python3', 'python/receiver.py'],
])('without a secret, %s does not start %s', (program, file) => {
  const env = { PATH: process.env['PATH'] ?? '', WEBHOOK_SECRET: '' };
  const { status, stderr } = spawnSync(program, [join(examples, 'receivers', file)], { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, expect.stringContaining('Set WEBHOOK_SECRET')]);
});
