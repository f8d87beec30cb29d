import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { startApi } from '@pns/api';
import { startDispatcher } from '@pns/dispatcher';
import { startTransportWorker } from '@pns/delivery';
import { claimFolder, LocalServerError } from '@pns/local-servers';
import { listenHost, PnsError, urlHostOf } from '@pns/runtime';
import { apnsWorker } from '@pns/worker-apns';
import { fcmWorker } from '@pns/worker-fcm';
import { webhookWorker } from '@pns/worker-webhook';
import { webpushWorker } from '@pns/worker-webpush';
import { startWebsocketWorker } from '@pns/worker-websocket';
import { wnsWorker } from '@pns/worker-wns';
import { banner } from './banner';
import { startDemo } from './start-demo';
import { isSet, provideDefaults, standaloneEnv, takeFiles } from './env';
import { startOwnServers } from './own-servers';
import { takePorts } from './ports';
import { keptSecrets } from './secrets';
import { runsAlready } from './start-check';
import type { Started } from './started';

type Progress = (line: string) => void;

/**
 * Starts all of PNS in this process, with its own Postgres and Redis unless variables name others. Servers that must be
 * stopped after the apps are added to `started`.
 *
 * @throws PnsError with one sentence for users if it cannot start; then it stops all that it had started.
 */
export async function startStandalone(started: Started, say: Progress): Promise<INestApplicationContext[]> {
  takeFiles();
  const apps: INestApplicationContext[] = [];
  try {
    await startAll(apps, started, say);
    return apps;
  } catch (error) {
    await Promise.allSettled(apps.map((app) => app.close()));
    await started.stop();
    if (error instanceof LocalServerError) throw new PnsError('SERVER_NOT_STARTED', error.message, { cause: error });
    throw error;
  }
}

async function startAll(apps: INestApplicationContext[], started: Started, say: Progress): Promise<void> {
  const env = standaloneEnv();
  const dataDir = resolve(env.PNS_DATA_DIR);
  mkdirSync(dataDir, { recursive: true });
  started.add(claimFolder(dataDir, runsAlready));
  const ports = await takePorts(env);
  const { PNS_SESSION_SECRET, ...others } = keptSecrets(dataDir);
  const secrets = provideDefaults(others);
  if (!isSet('PNS_SESSION_JWKS_URL')) provideDefaults({ PNS_SESSION_SECRET });

  say('Starting Postgres and Redis.');
  const servers = await startOwnServers(dataDir, say);
  started.add(servers.stop);

  const host = urlHostOf(await listenHost());
  const api = { url: `http://${host}:${ports.api}`, key: secrets.PNS_BOOTSTRAP_API_KEY };
  const websocketUrl = `http://${host}:${ports.websocket}`;
  const demo = await startDemo({ ports, api, websocketUrl, say });
  started.add(() => demo?.close());

  say('Starting the API, which brings the database up to date.');
  apps.push(await startApi());
  say('Starting the dispatcher and the workers.');
  apps.push(
    ...(await Promise.all([
      startDispatcher(),
      startWebsocketWorker(),
      startTransportWorker(webhookWorker),
      startTransportWorker(apnsWorker),
      startTransportWorker(fcmWorker),
      startTransportWorker(wnsWorker),
      startTransportWorker(webpushWorker),
    ])),
  );
  const sandboxUrl = await demo?.complete(env.PNS_CONFIG_DIR);
  say(banner({ api, websocketUrl, sandboxUrl, postgres: servers.postgres, redis: servers.redis }));
}
