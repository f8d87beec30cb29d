// The usual solution: Nest on Fastify, the same payload checks, one BullMQ job per notification; or, as the limit, one element of a list
// in Redis per notification, which is the cheapest command that stores it. The settings of the
// Fastify adapter, of Redis and the payloads are those of PNS. Nest logs nothing, keys are compared in plain text, the
// answer is a few bytes, and ioredis sends the jobs of simultaneous requests in one write (auto-pipelining).
import 'reflect-metadata';
import { Body, Controller, HttpCode, HttpException, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { payloadFault } from '@pns/payloads';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';

const { redisUrl, apiKey, delayMs, list } = JSON.parse(process.argv[2] ?? '') as {
  redisUrl: string;
  apiKey: string;
  delayMs: number;
  /** The key of the list that gets the notifications. Default: they are jobs of BullMQ. */
  list?: string;
};

const connection = new Redis(redisUrl, { maxRetriesPerRequest: null, enableAutoPipelining: true });
const queue = new Queue('notifications', { connection, defaultJobOptions: { removeOnComplete: true } });

const id = z.int().min(1).max(2_147_483_647);
const entry = z.strictObject({
  context: id,
  user: id,
  topic: z.string().min(1).max(255),
  payload: z.looseObject({}),
  priority: z.enum(['high', 'medium', 'low']).default('high'),
});

@Controller('v1/notifications')
class NotificationsController {
  @Post()
  @HttpCode(202)
  async take(@Body() body: unknown): Promise<{ id: string | undefined }> {
    const checked = entry.safeParse(body);
    if (!checked.success) throw new HttpException(checked.error.issues, 422);
    const misfit = payloadFault(checked.data.topic, checked.data.payload);
    if (misfit !== undefined) throw new HttpException(misfit, 422);
    const notification = { ...checked.data, timestamp: Date.now() };
    if (list !== undefined) return { id: String(await connection.rpush(list, JSON.stringify(notification))) };
    const job = await queue.add('notify', notification, { delay: delayMs });
    return { id: job.id };
  }
}

@Module({ controllers: [NotificationsController] })
class AppModule {}

async function run(): Promise<void> {
  const adapter = new FastifyAdapter({ skipMiddie: true });
  adapter.getInstance().addHook('onRequest', (request, reply, done) => {
    if (request.headers.authorization === `Bearer ${apiKey}`) done();
    else void reply.code(401).send();
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, { logger: false });
  await app.listen(0, '127.0.0.1');
  process.send?.({ url: await app.getUrl() });
}

void run();
