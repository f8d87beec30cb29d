import type { Delivery, Outcome } from '@pns/transport-contract';
import { tracedAttempt } from './attempt-span';

const delivery: Delivery = {
  ...{ id: 'd', notificationId: 'n', context: 1, user: 14, client: 'c', transport: 'webhook', token: 'https://a/b' },
  ...{ topic: 'a', payload: {}, priority: 'high', count: 1, timestamp: 1, dueAt: 1, attempt: 1 },
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

describe('an attempt of a traced delivery in a process without traces', () => {
  it('sends the delivery with the context that it has', async () => {
    const sent: Delivery[] = [];
    const outcome: Outcome = { kind: 'delivered' };
    const send = (each: Delivery): Promise<Outcome> => {
      sent.push(each);
      return Promise.resolve(outcome);
    };
    expect(await tracedAttempt(delivery, undefined, send)).toBe(outcome);
    expect(sent).toEqual([delivery]);
  });

  it('sends nothing that must not be sent', async () => {
    const unsent: Outcome = { kind: 'suppressed', reason: 'the subscription was deleted' };
    expect(await tracedAttempt(delivery, unsent, () => Promise.reject(new Error('sent')))).toBe(unsent);
  });
});
