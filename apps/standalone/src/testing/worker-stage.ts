import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { enqueueDeliveries, type TransportWorker, WorkerModule } from '@pns/delivery';
import { type FreshDatabase, type LocalRedis, startRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { FailedDeliveryStore } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { deliveryQueue, Queues } from '@pns/queue';
import { nestLogger } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';

/** A Redis, a database and a configuration folder for workers that run one after the other. */
export class WorkerStage {
  private worker: INestApplicationContext | undefined;

  private constructor(
    readonly folder: string,
    private readonly redis: LocalRedis,
    readonly database: FreshDatabase,
  ) {}

  static async open(properties: readonly string[]): Promise<WorkerStage> {
    const folder = mkdtempSync(join(tmpdir(), 'pns-workers-'));
    const [redis, database] = await Promise.all([
      startRedis({ dataDir: join(folder, 'redis'), isDurable: false }),
      migratedDatabase(),
    ]);
    const stage = new WorkerStage(folder, redis, database);
    stage.configure('pns.properties', properties.join('\n'));
    return stage;
  }

  configure(file: string, content: object | string): void {
    writeFileSync(join(this.folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  }

  async start<Options>(row: TransportWorker<Options>, databaseUrl = this.database.url): Promise<void> {
    const module = WorkerModule.forTransport(row, {
      NODE_ENV: 'development',
      PNS_LOG_LEVEL: 'silent',
      DATABASE_URL: databaseUrl,
      REDIS_URL: this.redis.url,
      PNS_SHARDS: 1,
      PNS_CONFIG_DIR: this.folder,
      PNS_ENCRYPTION_KEY: [Buffer.alloc(32, 1)],
      PNS_HEALTH_PORT: 0,
    });
    this.worker = await NestFactory.createApplicationContext(module, { logger: nestLogger });
  }

  async stop(): Promise<void> {
    await this.worker?.close();
    this.worker = undefined;
  }

  async close(): Promise<void> {
    await this.redis.stop();
    await this.database.drop();
    rmSync(this.folder, { recursive: true });
  }

  /** A provider (of Nest) in the running worker. */
  part<Part>(type: abstract new (...parts: never[]) => Part): Part {
    if (this.worker === undefined) throw new Error('No worker is running.');
    return this.worker.get(type, { strict: false });
  }

  async send(given: Pick<Delivery, 'id' | 'client' | 'transport' | 'token'> & Partial<Delivery>): Promise<void> {
    const queues = this.part(Queues);
    const queue = { group: queues.keys.group(0), name: deliveryQueue(given.transport) };
    const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1 } as const;
    const delivery = { notificationId: 'n', attempt: 1, context: 1, user: 14, ...what, ...given };
    await enqueueDeliveries(queues, [{ ...queue, endpoint: given.client, deliveries: [delivery] }]);
  }

  /** Resolves with the delivery once it is stored as failed. */
  failed(id: string): Promise<{ outcome: string; reason?: string }> {
    return eventually(`${id} is stored as failed`, () => this.part(FailedDeliveryStore).get(id));
  }
}
