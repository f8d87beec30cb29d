import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { INestApplicationContext } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { log } from './log';
import { startWorker } from './run';
import { RuntimeModule } from './runtime.module';

/** The loopback addresses of this machine. */
const loopbacks = [
  '127.0.0.1',
  ...(networkInterfaces()['lo']?.some(({ address }) => address === '::1') ? ['::1'] : []),
];

let app: INestApplicationContext | undefined;

beforeAll(() => {
  log.level = 'silent';
});

afterEach(async () => {
  delete process.env['PNS_LISTEN_HOST'];
  await app?.close();
});

async function start(): Promise<number> {
  app = await startWorker('worker', RuntimeModule, 0);
  return ((app as NestFastifyApplication).getHttpServer().address() as AddressInfo).port;
}

/** Whether the app serves its health at this address. */
async function isReachedAt(address: string, port: number): Promise<boolean> {
  const host = address.includes(':') ? `[${address}]` : address;
  return fetch(`http://${host}:${port}/health/live`).then(
    ({ ok }) => ok,
    () => false,
  );
}

it('an app listens on every address, of IPv6 and of IPv4', async () => {
  const port = await start();
  for (const address of loopbacks) expect([address, await isReachedAt(address, port)]).toEqual([address, true]);
});

it('an app listens on the address of PNS_LISTEN_HOST alone', async () => {
  process.env['PNS_LISTEN_HOST'] = '127.0.0.1';
  const port = await start();
  for (const address of loopbacks) {
    expect([address, await isReachedAt(address, port)]).toEqual([address, address === '127.0.0.1']);
  }
});

it.each(['0.0.0.0', '127.0.0.1'])('the error names a port that another program uses at %s', async (host) => {
  const other = createServer().listen(0, host);
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(startWorker('worker', RuntimeModule, port)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  other.close();
});
