import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { DeliveryModule } from '@pns/delivery';
import { testRedisUrl } from '@pns/local-servers';
import { FailedDeliveryStore, PersistenceModule } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { testApi, type TestApi } from '../testing/test-api';

const folder = mkdtempSync(join(tmpdir(), 'pns-test-push-'));
const phone = { context: 1, user: 14, client: 'mobile', transport: 'apns', token: 'ab12', topics: ['ox:mail:*'] };

/** Stands for the provider: records deliveries and returns the outcome that the test sets. */
class FarSide implements Transport {
  readonly name = 'apns';
  readonly came: Delivery[] = [];
  answer: Outcome = { kind: 'delivered' };

  deliver(delivery: Delivery): Promise<Outcome> {
    this.came.push(delivery);
    return Promise.resolve(this.answer);
  }
}

const farSide = new FarSide();
let api: TestApi;
let worker: INestApplicationContext;

beforeAll(async () => {
  api = await testApi();
  worker = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 4, prefix: api.redisPrefix }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: api.database.url }),
        DeliveryModule.forTransport({ name: 'apns', concurrency: 4, inject: [], useFactory: () => farSide }),
      ],
    },
    { logger: nestLogger },
  );
  await switchApns('', true);
});

afterAll(async () => {
  await worker.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

/** Switches APNs on or off for all clients or for one (`.<client>`). */
function switchApns(client: string, value: boolean): Promise<void> {
  return set(`com.openexchange.pns.transport.apn.ios.enabled${client}`, value);
}

async function set(property: string, value: boolean): Promise<void> {
  const { status } = await api.send('PUT', `/v1/config/server/properties/${property}`, { body: { value } });
  expect([200, 201, 204]).toContain(status);
}

async function registered(changes: object = {}): Promise<string> {
  const { body } = await api.send<{ id: string }>('POST', '/v1/subscriptions', { body: { ...phone, ...changes } });
  return body.id;
}

function test(id: string) {
  return api.send('POST', `/v1/subscriptions/${id}/test`);
}

it.each<[Outcome, object]>([
  [
    { kind: 'delivered', providerId: 'apns-5' },
    { outcome: 'delivered', providerId: 'apns-5' },
  ],
  [
    { kind: 'retry', reason: 'HTTP 503', afterMs: 5 },
    { outcome: 'retry', reason: 'HTTP 503' },
  ],
  [
    { kind: 'misconfigured', reason: 'BadCertificate' },
    { outcome: 'misconfigured', reason: 'BadCertificate' },
  ],
])('answers with the outcome from the provider: %j', async (outcome, expected) => {
  farSide.answer = outcome;
  const id = await registered();
  const { status, body } = await test(id);
  expect({ status, body }).toEqual({ status: 200, body: { delivery: body['delivery'], ...expected } });
  expect(farSide.came.at(-1)).toMatchObject({
    id: body['delivery'],
    subscriptionId: id,
    topic: 'pns:test',
    token: 'ab12',
  });
  // A test push is not stored as failed, even with the outcomes `retry` and `misconfigured`.
  expect(await worker.get(FailedDeliveryStore, { strict: false }).get(String(body['delivery']))).toBeUndefined();
});

it('removes the subscription of a dead target', async () => {
  farSide.answer = { kind: 'gone', reason: 'Unregistered', since: Date.now() + 60_000 };
  const id = await registered();
  const { body } = await test(id);
  expect(body).toEqual({ delivery: body['delivery'], outcome: 'gone', reason: 'Unregistered' });
  expect((await test(id)).status).toBe(404);
});

it('answers TEST_UNANSWERED when no worker for the transport runs', async () => {
  const realTimeout = AbortSignal.timeout.bind(AbortSignal);
  const shorter = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => realTimeout(100));
  await set('com.openexchange.pns.transport.wns.enabled', true);
  const id = await registered({ transport: 'wns', token: 'https://db5p.notify.windows.com/?token=1' });
  const { status, body } = await test(id);
  expect({ status, code: body['code'] }).toEqual({ status: 504, code: 'TEST_UNANSWERED' });
  expect(body['detail']).toContain('wns');
  shorter.mockRestore();
});

it('is not sent over a transport that is switched off for the client', async () => {
  await switchApns('.quiet', false);
  const came = farSide.came.length;
  const { status, body } = await test(await registered({ client: 'quiet', token: 'ab34' }));
  expect([status, body]).toMatchObject([200, { outcome: 'suppressed' }]);
  expect(farSide.came).toHaveLength(came);
});
