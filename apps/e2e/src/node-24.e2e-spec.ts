import { execFileSync } from 'node:child_process';
import { nodeProgram } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import type { Providers } from '@pns/sandbox';
import { john, newMail } from './seeds';
import { listen } from './sockets';
import { System } from './system';

const workers = ['worker-websocket', 'worker-webhook', 'worker-apns', 'worker-fcm', 'worker-wns'] as const;

let node: string;
let system: System;

beforeAll(async () => {
  node = nodeProgram(24, (line) => process.stdout.write(`${line}\n`));
  system = await System.start({
    isDurable: false,
    hasProviders: true,
    node,
    processes: Object.fromEntries(workers.map((name) => [name, 1])),
    properties: {
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
      'com.openexchange.pns.transport.gcm.enabled': 'true',
      'com.openexchange.pns.transport.wns.enabled': 'true',
    },
  });
}, 240_000);

afterAll(() => system?.stop());

it('the apps run on Node 24: a notification arrives over every transport, and each app stops', async () => {
  expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./);
  const providers = system.sandbox.providers as Providers;
  const demoApps = system.sandbox.demoApps;
  await system.subscribe(john);
  for (const { client, transport, token, options } of demoApps) {
    await system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);
    const subscription = { ...john, client, transport, token, topics: ['*'] };
    await system.expect(201, 'POST', '/v1/subscriptions', subscription);
  }
  const sockets = [await listen(system, john, { generation: 'v2' }), await listen(system, john)];
  await system.expect(202, 'POST', '/v1/notifications', { ...john, topic: 'ox:mail:new', payload: newMail });
  for (const socket of sockets) await socket.got(1);
  expect(await system.arrivalsOf(1)).toMatchObject([{ oxSignature: 'valid', standardWebhooks: 'valid' }]);
  const { apns, fcm, wns } = providers;
  for (const provider of [apns, fcm, wns]) {
    await eventually('the push has arrived', () => provider.targets()[0]?.accepted === 1);
  }
  for (const { socket } of sockets) socket.close();
  const names = ['api', 'dispatcher', ...workers] as const;
  expect(await Promise.all(names.map((name) => system.app(name).stop()))).toEqual(names.map(() => 0));
});
