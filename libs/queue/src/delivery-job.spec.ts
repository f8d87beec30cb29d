import type { Delivery } from '@pns/transport-contract';
import { assertDeliveryJob } from './delivery-job';

const delivery: Delivery = {
  ...{
    id: 'a',
    notificationId: 'b',
    context: 1,
    user: 2,
    client: 'c',
    transport: 'webhook',
    token: 'https://d.example/',
  },
  ...{ topic: 'e', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1, attempt: 1 },
};
const job = { v: 1, endpoint: 'https://d.example', deliveries: [delivery] };

it('reads a job', () => {
  expect(() => assertDeliveryJob(job)).not.toThrow();
  expect(() => assertDeliveryJob({ ...job, deliveries: [] })).not.toThrow();
});

it.each([
  [{ ...job, v: 2 }, 'A delivery job has format 2, but this version reads format 1.'],
  [{ v: 1, deliveries: [] }, 'A delivery job has no endpoint.'],
  [{ v: 1, endpoint: 'a', deliveries: 'b' }, 'A delivery job has no list of deliveries.'],
  [{ ...job, deliveries: [null] }, 'A delivery job has a delivery without a valid form.'],
  [{ ...job, deliveries: [delivery, []] }, 'A delivery job has a delivery without a valid form.'],
])('refuses %j', (data, reason) => {
  expect(() => assertDeliveryJob(data)).toThrow(new Error(reason));
});

it.each(Object.keys(delivery))('refuses a delivery without %s, and one with null', (field) => {
  const reason = new Error(`A delivery job has a delivery without a valid ${field}.`);
  expect(() => assertDeliveryJob({ ...job, deliveries: [{ ...delivery, [field]: undefined }] })).toThrow(reason);
  expect(() => assertDeliveryJob({ ...job, deliveries: [{ ...delivery, [field]: null }] })).toThrow(reason);
});

it.each(['target', 'sourceToken', 'expiresAt', 'replyTo', 'traceparent', 'deferredSince', 'sparedSince'])(
  'refuses a delivery with null as %s, because no version wrote that',
  (field) => {
    expect(() => assertDeliveryJob({ ...job, deliveries: [{ ...delivery, [field]: null }] })).toThrow(
      new Error(`A delivery job has a delivery without a valid ${field}.`),
    );
  },
);

it.each([
  { kind: 'socket', node: 'a', connection: 'b' },
  { kind: 'parked', step: 'find' },
  { kind: 'parked', step: 'settle', namedOnly: true },
])('reads the target %j', (target) => {
  expect(() => assertDeliveryJob({ ...job, deliveries: [{ ...delivery, target }] })).not.toThrow();
});

it.each([{}, { kind: 'socket', node: 'a' }, { kind: 'parked' }, { kind: 'parked', step: 'a' }, { kind: 'b' }, []])(
  'refuses the target %j',
  (target) => {
    expect(() => assertDeliveryJob({ ...job, deliveries: [{ ...delivery, target }] })).toThrow(/a valid target\.$/);
  },
);

it('refuses text with half of a surrogate pair', () => {
  expect(() => assertDeliveryJob({ ...job, deliveries: [{ ...delivery, id: 'a\ud800' }] })).toThrow(/a valid id\.$/);
});
