import { createHmac } from 'node:crypto';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { webhookOptions } from './webhook.options';
import { oxSignature, standardSignature, webhookBody, webhookHeaders } from './webhook.payload';

const uri = 'https://push.example.com/hook';
const delivery: Delivery = {
  id: 'd-1',
  notificationId: 'n-1',
  context: 1,
  user: 14,
  client: 'crm',
  transport: 'webhook',
  token: uri,
  topic: 'ox:mail:new',
  payload: { folder: 'default0/INBOX', id: '113' },
  priority: 'high',
  count: 1,
  timestamp: 1694677849605,
  dueAt: 1694677849605,
  email1: 'john@example.com',
  attempt: 1,
};
const now = 1694677850999;
const headersFor = (options: Record<string, unknown>, isTrusted = true, own?: string): Record<string, string> =>
  webhookHeaders(
    delivery,
    Buffer.from(webhookBody(delivery)),
    webhookOptions.parse({ uri, ...options }),
    isTrusted,
    now,
    own,
  );

describe('the body', () => {
  it('equals the body of the original', () => {
    expect(webhookBody(delivery)).toBe(
      '{"event":"ox:mail:new","payload":{"folder":"default0/INBOX","id":"113","user":14,"context":1,"email1":"john@example.com"},"timestamp":1694677849605}',
    );
  });

  it('carries the source token, and the count of a collected topic', () => {
    const { payload } = JSON.parse(webhookBody({ ...delivery, sourceToken: '1604', count: 10 })) as { payload: object };
    expect(payload).toEqual({
      ...delivery.payload,
      count: 10,
      user: 14,
      context: 1,
      email1: 'john@example.com',
      sourceToken: '1604',
    });
  });

  it('leaves out an unknown address', () => {
    expect(webhookBody({ ...delivery, email1: undefined })).not.toContain('email1');
  });

  it('never contains another user from the payload', () => {
    const body = webhookBody({ ...delivery, payload: { user: 1, context: 2, email1: 'eve@example.com' } });
    expect(JSON.parse(body)).toMatchObject({ payload: { user: 14, context: 1, email1: 'john@example.com' } });
  });

  it('is the same for every attempt', () => {
    expect(webhookBody({ ...delivery, attempt: 7 })).toBe(webhookBody(delivery));
  });
});

describe('the original’s signature', () => {
  it('equals a vector that another program computed', () => {
    expect(oxSignature(['da39a3ee5e6b4b'], 1, delivery.timestamp, Buffer.from(webhookBody(delivery)))).toBe(
      't=1694677849605, v1=37b74a1f7df91ea4b45e6e91dca6121e5322b60a9700aaeb0adad0adb2e08aa9',
    );
  });

  it('signs the time and the exact bytes of any body', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme' }), fc.nat(), (secret, body, time) => {
        const expected = createHmac('sha256', Buffer.from(secret))
          .update(Buffer.from(`v1:${time}:${body}`))
          .digest('hex');
        expect(oxSignature([secret], 1, time, Buffer.from(body))).toBe(`t=${time}, v1=${expected}`);
      }),
    );
  });

  it('has the configured header and version', () => {
    const headers = headersFor({ signatureSecret: 's', version: 3, signatureHeaderName: 'X-Sig' });
    expect(headers['X-Sig']).toMatch(/^t=1694677849605, v3=[0-9a-f]{64}$/);
    expect(headers).not.toHaveProperty('X-OX-Signature');
  });

  it('is sent twice while secrets rotate, the current one first', () => {
    const both = headersFor({ signatureSecret: 'new', previousSignatureSecret: 'old' })['X-OX-Signature'];
    const [time, current, previous] = both?.split(', ') ?? [];
    expect([time, current].join(', ')).toBe(headersFor({ signatureSecret: 'new' })['X-OX-Signature']);
    expect([time, previous].join(', ')).toBe(headersFor({ signatureSecret: 'old' })['X-OX-Signature']);
  });
});

describe('the Standard Webhooks headers', () => {
  it('are accepted by the public library, for any secret, id and body', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((secret) => !secret.startsWith('whsec_')),
        fc.uuid(),
        fc.string({ unit: 'grapheme' }),
        (secret, id, body) => {
          const time = new Date();
          const expected = new Webhook(Buffer.from(secret), { format: 'raw' }).sign(id, time, body);
          expect(standardSignature(secret, id, Math.floor(time.getTime() / 1000), Buffer.from(body))).toBe(expected);
        },
      ),
    );
  });

  it('are accepted by the public library for a secret in its own notation, and both while secrets rotate', () => {
    jest.useFakeTimers({ now });
    const [secret, previous] = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];
    const headers = headersFor({ signatureSecret: secret, previousSignatureSecret: previous });
    for (const each of [secret, previous]) {
      expect(new Webhook(each).verify(webhookBody(delivery), headers)).toMatchObject({ event: 'ox:mail:new' });
    }
    expect(() => new Webhook('whsec_AAAA').verify(webhookBody(delivery), headers)).toThrow();
    jest.useRealTimers();
  });

  it('name the delivery and the second of the attempt', () => {
    expect(headersFor({})).toMatchObject({ 'webhook-id': 'd-1', 'webhook-timestamp': '1694677850' });
  });
});

describe('configured secrets', () => {
  const secrets = { webhookSecret: 'Bearer x', signatureSecret: 's' };
  const open = ['content-type', 'user-agent', 'webhook-id', 'webhook-timestamp'];

  it('and signatures are sent only to a trusted target', () => {
    const names = (isTrusted: boolean): string[] => Object.keys(headersFor(secrets, isTrusted));
    expect(names(false)).toEqual(open);
    expect(names(true)).toEqual([...open, 'authorization', 'X-OX-Signature', 'webhook-signature']);
  });

  it('are the literal header, else login and password as the original encodes them', () => {
    expect(headersFor({ webhookSecret: 'Bearer x', login: 'a', password: 'b' })['authorization']).toBe('Bearer x');
    expect(headersFor({ login: 'jürgen', password: 'pä:ss' })['authorization']).toBe(
      `Basic ${Buffer.from('jürgen:pä:ss', 'latin1').toString('base64')}`,
    );
    expect(headersFor({})).not.toHaveProperty('authorization');
  });

  it.each([
    [true, [...open, 'authorization', 'X-OX-Signature', 'webhook-signature']],
    [false, [...open, 'authorization']],
  ])('are replaced by the subscription’s own, and signatures stay (trusted: %s)', (isTrusted, names) => {
    const headers = headersFor(secrets, isTrusted, 'Bearer own');
    expect(headers['authorization']).toBe('Bearer own');
    expect(Object.keys(headers)).toEqual(names);
  });
});

it.each<[string, Partial<Delivery>, Record<string, string>]>([
  ['no trace', {}, {}],
  ['a trace', { traceparent: '00-a-b-01' }, { traceparent: '00-a-b-01' }],
  [
    'a trace with tracestate',
    { traceparent: '00-a-b-01', tracestate: 'c=1' },
    { traceparent: '00-a-b-01', tracestate: 'c=1' },
  ],
])('the headers of a delivery with %s continue it', (_, trace, expected) => {
  const options = webhookOptions.parse({ uri });
  const { traceparent, tracestate } = webhookHeaders({ ...delivery, ...trace }, Buffer.alloc(0), options, true, now);
  expect({ traceparent, tracestate }).toEqual(expected);
  // only trusted targets get `tracestate`
  expect(webhookHeaders({ ...delivery, ...trace }, Buffer.alloc(0), options, false, now)).not.toHaveProperty(
    'tracestate',
  );
});

it('the content type and the user agent are the original’s', () => {
  expect(headersFor({})).toMatchObject({
    'content-type': 'application/json; charset=UTF-8',
    'user-agent': 'Open-Xchange Webhook Client',
  });
});
