import { eventually } from '@pns/local-servers/waiting';
import { ServerKeyStore, SubscriptionStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { Arrivals, makeAuthority, startWebpush, type WebpushProvider } from '@pns/sandbox';
import { newVapidKeys } from '@pns/transport-webpush';
import { webpushWorker } from '@pns/worker-webpush';
import { WorkerStage } from './testing/worker-stage';

log.level = 'silent';

const authority = makeAuthority();
const arrivals = new Arrivals(100);

let stage: WorkerStage;
let service: WebpushProvider;

beforeAll(async () => {
  [stage, service] = await Promise.all([
    WorkerStage.open([
      'com.openexchange.pns.transport.webpush.subject=mailto:ops@example.com',
      'com.openexchange.pns.template.navigate=https://mail.example.com/#{{id}}',
    ]),
    startWebpush({ port: 0, authority, arrivals }),
  ]);
  stage.configure('ca.pem', authority.cert);
  const lan = { caFile: 'ca.pem', allowedNetworks: ['127.0.0.0/8', '::1/128'] };
  stage.configure('pns-webpush-options.yml', { web: lan, plain: { ...lan, declarative: false } });
  await stage.start(webpushWorker);
});

afterAll(async () => {
  await service.close();
  arrivals.close();
  await stage.stop();
  await stage.close();
});

/** Registers a new browser of a client and sends it a notification. */
async function sendTo(client: string, id: string): Promise<void> {
  const { publicKey } = await stage.part(ServerKeyStore).pair('webpush', newVapidKeys);
  const browser = service.subscribe(publicKey);
  const who = { context: 1, user: 14, client, transport: 'webpush', token: browser.endpoint } as const;
  const keys = { ...browser.keys, applicationServerKey: publicKey, isKeyAssumed: true };
  const registration = { ...who, topics: ['*'], isShared: false, keys };
  const { subscription } = await stage.part(SubscriptionStore).register(registration);
  await stage.send({ ...who, id, subscriptionId: subscription.id, payload: { subject: 'Hello', id: '113' } });
}

/** The content of the first message with this id, as the browser decrypted it. */
const arrived = (id: string) =>
  eventually(`${id} has arrived`, () =>
    arrivals
      .since(0)
      .map(({ decryptedBody = '{}' }) => JSON.parse(decryptedBody) as Readonly<Record<string, unknown>>)
      .find((content) => content['id'] === id),
  );

it("reaches a browser with the server's keys, its options and its properties", async () => {
  await sendTo('web', 'd-1');
  expect(await arrived('d-1')).toMatchObject({
    web_push: 8030,
    notification: { title: 'Hello', navigate: 'https://mail.example.com/#113' },
    data: { subject: 'Hello', id: '113' },
  });
});

it('sends the data object alone if the client wants so', async () => {
  await sendTo('plain', 'd-2');
  const content = await arrived('d-2');
  expect(content).toMatchObject({ title: 'Hello', data: { id: '113' } });
  expect(content).not.toHaveProperty('web_push');
});
