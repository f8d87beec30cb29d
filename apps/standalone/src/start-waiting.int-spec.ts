import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { startApi } from '@pns/api';
import { startDispatcher } from '@pns/dispatcher';
import { startTransportWorker } from '@pns/delivery';
import { cuttableLink, freshDatabase, startRedis, type CuttableLink } from '@pns/local-servers';
import { log } from '@pns/runtime';
import { webhookWorker } from '@pns/worker-webhook';
import { startWebsocketWorker } from '@pns/worker-websocket';

/** The apps to start. The workers of APNs, FCM and WNS start like the worker of webhooks. */
const apps: Record<string, () => Promise<INestApplicationContext>> = {
  api: startApi,
  dispatcher: startDispatcher,
  'worker-websocket': startWebsocketWorker,
  'worker-webhook': () => startTransportWorker(webhookWorker),
};

const folder = mkdtempSync(join(tmpdir(), 'pns-waiting-'));
const servers = ['postgres', 'redis'] as const;
const links = {} as Record<(typeof servers)[number], CuttableLink>;
const environment = { ...process.env };
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  mkdirSync(join(folder, 'config'));
  const [database, redis] = await Promise.all([
    freshDatabase(),
    startRedis({ dataDir: join(folder, 'redis'), isDurable: false }),
  ]);
  undo.push(
    () => redis.stop(),
    () => database.drop(),
  );
  links.postgres = await cuttableLink(database.url);
  links.redis = await cuttableLink(redis.url);
  Object.assign(process.env, {
    DATABASE_URL: links.postgres.url,
    REDIS_URL: links.redis.url,
    PNS_CONFIG_DIR: join(folder, 'config'),
    PNS_API_PORT: '0',
    PNS_WEBSOCKET_PORT: '0',
    PNS_SHARDS: '1',
    PNS_BOOTSTRAP_API_KEY: 'the bootstrap key of these tests',
    PNS_SESSION_SECRET: 'the session secret of these tests',
    PNS_ENCRYPTION_KEY: Buffer.alloc(32, 'e').toString('base64'),
  });
  log.level = 'silent';
});

beforeEach(() => jest.restoreAllMocks());

afterAll(async () => {
  for (const server of servers) await links[server].close();
  for (const step of undo.reverse()) await step();
  rmSync(folder, { recursive: true });
  process.env = environment;
});

/**
 * Starts the app, calls `onSend` with the number and bytes of each chunk that the app sends through `link`, and stops the app.
 * Returns the number of chunks that it sent until it had started.
 */
async function start(
  app: string,
  link: CuttableLink,
  onSend: (portion: number, chunk: Buffer) => void,
): Promise<number> {
  let portions = 0;
  link.onSend = (_, chunk) => onSend(++portions, chunk);
  const started = await apps[app]?.();
  const total = portions;
  link.onSend = () => undefined;
  await started?.close();
  return total;
}

/** The first step and the last six; the steps between them run migrations. */
function someOf(steps: number): number[] {
  return [
    1,
    ...Array.from({ length: steps }, (_, step) => step + 1)
      .slice(1)
      .slice(-6),
  ];
}

describe.each(Object.keys(apps))('%s', (app) => {
  it.each(servers)('waits for a server that goes away at any step of its start: %s', async (server) => {
    const link = links[server];
    link.onRefuse = () => link.mend(); // the app has connected again, so it waits for the server
    const steps = await start(app, link, () => undefined);
    expect(steps).toBeGreaterThan(0);
    for (const step of someOf(steps)) {
      await start(app, link, (portion) => {
        if (portion === step) link.cut();
      });
      link.mend(); // the app may send its last chunks after the start, and then the link is still cut
    }
  });

  it.each(servers)('waits for a server that accepts connections and does not answer: %s', async (server) => {
    const link = links[server];
    const warned = jest.spyOn(log, 'warn').mockImplementation((line: unknown) => {
      if ((line as { event?: string }).event?.endsWith('.waiting')) link.release();
    });
    link.hold();
    await start(app, link, () => undefined);
    expect(warned).toHaveBeenCalled();
  });
});

it.each(['SELECT version()', 'FROM server_properties'])(
  'the API waits for a Postgres that does not answer %s',
  async (query) => {
    const link = links.postgres;
    const isWaiting = (line: unknown) => (line as { event?: string }).event === 'database.waiting';
    const warned: unknown[] = [];
    jest.spyOn(log, 'warn').mockImplementation((line: unknown) => {
      if (isWaiting(line)) link.release();
      warned.push(line);
    });
    let isHeld = false;
    await start('api', link, (_, chunk) => {
      if (isHeld || !chunk.includes(query)) return;
      isHeld = true;
      link.hold();
    });
    expect(isHeld).toBe(true);
    expect(warned.filter(isWaiting)).not.toEqual([]);
  },
);
