import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTls, rootCertificates, type Server } from 'node:tls';
import { ConfigDirectory, OptionFiles } from '@pns/config-folder';
import { log } from '@pns/runtime';
import { makeAuthority } from '@pns/sandbox';
import type { Outcome } from '@pns/transport-contract';
import { webhookOptions, type WebhookOptions, webhookOptionsFileFor, WebhookTransport } from '@pns/transport-webhook';

log.level = 'silent';

const authority = makeAuthority();
const stranger = makeAuthority();
const loopback = { uriValidationMode: 'none', allowedNetworks: ['127.0.0.0/8'], timeoutMillis: 25_000 };
const delivered = { kind: 'delivered' };
const untrusted = {
  kind: 'retry',
  reason: expect.stringMatching(/failed \((UNABLE_TO_|SELF_SIGNED|CERT_SIGNATURE)/) as string,
};

let server: Server;
let port: number;
let options: WebhookOptions | undefined;
let transport: WebhookTransport;

beforeEach(() => {
  transport = new WebhookTransport({
    options: () => options,
    metaOf: () => Promise.reject(new Error('No subscription of these tests has meta.')),
    lookUp: () => Promise.resolve({ addresses: [{ address: '127.0.0.1', family: 4 }], holdsMs: 1000 }),
  });
});

afterEach(async () => {
  await transport.close();
  server.close();
});

async function listening(receiver: Server): Promise<void> {
  server = receiver.listen(0, '0.0.0.0');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
}

const takesAll = () => listening(createHttps(authority.server, (_, response) => response.writeHead(204).end()));

function deliver(host: string): Promise<Outcome> {
  const who = { context: 1, user: 14, client: 'crm', transport: 'webhook', token: `https://${host}:${port}/` } as const;
  const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1 } as const;
  const delivery = { id: 'd-1', notificationId: 'n-1', attempt: 1, ...who, ...what };
  return transport.deliver(delivery, new AbortController().signal);
}

it.each([['localhost'], ['127.0.0.1']])(
  'a receiver at %s with a certificate of a private authority is trusted by caFile alone',
  async (host) => {
    await takesAll();
    options = webhookOptions.parse(loopback);
    expect(await deliver(host)).toMatchObject(untrusted);
    options = webhookOptions.parse({ ...loopback, caFile: stranger.cert });
    expect(await deliver(host)).toMatchObject(untrusted);
    options = webhookOptions.parse({ ...loopback, caFile: `${rootCertificates[0]}\n${authority.cert}` });
    expect(await deliver(host)).toEqual(delivered);
    options = webhookOptions.parse(loopback);
    expect(await deliver(host)).toMatchObject(untrusted);
  },
);

it.each([['other.example'], ['127.0.0.2']])('its certificate is not valid for %s', async (host) => {
  await takesAll();
  options = webhookOptions.parse({ ...loopback, caFile: authority.cert });
  expect(await deliver(host)).toMatchObject({ kind: 'retry', reason: expect.stringContaining('ALTNAME') as string });
});

it('an interim answer over TLS does not count as the answer', async () => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n';
  let connections = 0;
  await listening(
    createTls(authority.server, (socket) => {
      connections++;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        if (chunk.toString().endsWith('}')) socket.write(`${interim}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`);
      });
    }),
  );
  options = webhookOptions.parse({ ...loopback, maxConnections: 1, caFile: authority.cert });
  for (let i = 0; i < 3; i++) expect(await deliver('localhost')).toEqual(delivered);
  expect(connections).toBe(1);
});

describe('a file of certificates', () => {
  let folder: string;
  let directory: ConfigDirectory;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pns-webhook-trust-'));
  });

  afterEach(() => {
    directory.close();
    rmSync(folder, { recursive: true });
  });

  it('is read from the configuration folder, and again when it has changed; a bad one leaves in effect what was read', async () => {
    await takesAll();
    writeFileSync(join(folder, 'ca.pem'), stranger.cert);
    const entries = { crm: { ...loopback, caFile: 'ca.pem' }, bad: { ...loopback, caFile: 'geheim.pem' } };
    writeFileSync(join(folder, 'webhooks.yml'), JSON.stringify(entries, null, 1));
    directory = new ConfigDirectory(folder);
    await directory.watch();
    const files = new OptionFiles(directory);
    const read = files.entries(
      'webhooks.yml',
      webhookOptionsFileFor('production', (path) => files.readFile(path)),
    );
    const change = async (certificates: string): Promise<void> => {
      const noticed = once(directory, 'change', { signal: AbortSignal.timeout(25_000) });
      writeFileSync(join(folder, 'ca.pem'), certificates);
      await noticed;
      options = read.of('crm');
    };
    options = read.of('crm');
    expect(read.of('bad')).toBeUndefined();
    expect(read.faults).toMatchObject([
      {
        file: 'webhooks.yml',
        line: 16,
        client: 'bad',
        reason: expect.stringMatching(/^caFile cannot be read/) as string,
      },
    ]);
    expect(JSON.stringify(read.faults)).not.toContain('geheim');
    expect(await deliver('localhost')).toMatchObject(untrusted);
    await change(authority.cert);
    expect(await deliver('localhost')).toEqual(delivered);
    await change('no certificate');
    expect(read.faults.map(({ client }) => client)).toEqual(['crm', 'bad']);
    expect(await deliver('localhost')).toEqual(delivered);
  });
});
