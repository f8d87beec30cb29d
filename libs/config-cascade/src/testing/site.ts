import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import {
  ConfigStore,
  DirectoryStore,
  ErasureStore,
  PersistenceModule,
  PendingChangeStore,
  type PropertyPlace,
} from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { QueueModule } from '@pns/queue';
import { log, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { ConfigCascade } from '../config-cascade';
import { ConfigCascadeModule } from '../config-cascade.module';
import { ConfigChanges } from '../config-changes';
import type { ConfigChange } from '../subject-cache';

/** The cascade in one process. */
export interface SiteProcess {
  readonly cascade: ConfigCascade;
  readonly changes: ConfigChanges;
  readonly store: ConfigStore;
  readonly directory: DirectoryStore;
  readonly rows: ErasureStore;
  readonly pendingChanges: PendingChangeStore;
}

/** The environment of the processes of one test: a configuration folder, a database, and keys in Redis. */
export interface Site {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly sql: Client;
  /** Starts a process with the URLs of the site, or with the given URLs, for example of links. */
  start(links?: { readonly redisUrl?: string; readonly databaseUrl?: string }): Promise<SiteProcess>;
  /** Resolves when this many processes receive changes. */
  hearing(processes: number): Promise<void>;
  stopProcesses(): Promise<void>;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  log.level = 'silent';
  const folder = mkdtempSync(join(tmpdir(), 'pns-cascade-'));
  const database = await migratedDatabase();
  const prefix = freshPrefix();
  const sql = new Client({ connectionString: database.url });
  await sql.connect();
  const redis = new Redis(testRedisUrl());
  const channel = `${prefix}:config:changed`;
  const opened: INestApplicationContext[] = [];
  /** Counts the processes that listen, because each process calls `applyAny` when it has begun to listen. */
  const readAgain = jest.spyOn(ConfigCascade.prototype, 'applyAny');
  const stopProcesses = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((app) => app.close()));
  };
  return {
    folder,
    databaseUrl: database.url,
    sql,
    start: async ({ redisUrl = testRedisUrl(), databaseUrl = database.url } = {}) => {
      const app = await NestFactory.createApplicationContext(
        {
          module: class {},
          imports: [
            RuntimeModule,
            QueueModule.forRoot({ redisUrl, shards: 1, prefix }),
            ConfigCascadeModule.forRoot({ configDir: folder }),
            PersistenceModule.forRoot({ databaseUrl }),
          ],
        },
        { logger: nestLogger },
      );
      opened.push(app);
      return processOf(app);
    },
    hearing: async (processes) => {
      const listening = async () => Number((await redis.pubsub('NUMSUB', channel))[1]);
      await eventually(`${processes} processes listen`, async () => (await listening()) === processes);
      await eventually('they have read everything again', () => readAgain.mock.calls.length >= processes);
      await Promise.all(readAgain.mock.results.map(({ value }) => value as Promise<void>));
    },
    stopProcesses,
    close: async () => {
      await stopProcesses();
      readAgain.mockRestore();
      await redis.quit();
      await sql.end();
      await database.drop();
      rmSync(folder, { recursive: true });
    },
  };
}

function processOf(app: INestApplicationContext): SiteProcess {
  const part = <Part>(token: abstract new (...args: never[]) => Part) => app.get<Part>(token, { strict: false });
  return {
    cascade: part(ConfigCascade),
    changes: part(ConfigChanges),
    store: part(ConfigStore),
    directory: part(DirectoryStore),
    rows: part(ErasureStore),
    pendingChanges: part(PendingChangeStore),
  };
}

export function changeOf(place: PropertyPlace): ConfigChange {
  return place.scope === 'context' || place.scope === 'user' ? place : { scope: 'server' };
}

/** Sets a property as the API does. */
export async function set(
  { store, changes }: SiteProcess,
  place: PropertyPlace,
  name: string,
  value: string,
): Promise<void> {
  await changes.make(changeOf(place), () => store.put(place, { name, value }));
}

/** Repeats `change` until `holds` becomes true within a second after it. Fails after five rounds, or if `holds` stays false. */
export async function withinOneSecond(
  change: (round: number) => Promise<void>,
  holds: (round: number) => Promise<boolean>,
): Promise<void> {
  for (let round = 1; round <= 5; round++) {
    await change(round);
    const from = Date.now();
    await eventually('the change is in effect', () => holds(round));
    if (Date.now() - from < 1000) return;
  }
  throw new Error('it has come true within a second in none of five rounds');
}
