import type { Delivery } from '@pns/transport-contract';
import { frameOf, pingFrame } from './websocket.payload';

describe('a ping frame', () => {
  it.each<[number, number[]]>([
    [1, [0x89, 4, 0, 0, 0, 1]],
    [65_538, [0x89, 4, 0, 1, 0, 2]],
    [0xffffffff, [0x89, 4, 0xff, 0xff, 0xff, 0xff]],
  ])('carries %d as four bytes, final and unmasked', (number, bytes) => {
    expect([...pingFrame(number)]).toEqual(bytes);
  });
});

describe('the id in the meta of a notification', () => {
  const delivery: Delivery = {
    ...{ id: 'd', notificationId: '4711', context: 1, user: 14, client: 'c', transport: 'websocket', token: 'node' },
    ...{ topic: 't', payload: {}, priority: 'high', count: 1, timestamp: 5, dueAt: 5, attempt: 1 },
  };
  const idOf = (changes: Partial<Delivery>) => (frameOf({ ...delivery, ...changes }, true)[2] as { id: string }).id;

  it('is the id of the producer, and differs for CloudEvents of two sources', () => {
    expect(idOf({})).toBe('4711');
    expect([idOf({ producer: 'one' }), idOf({ producer: 'two' })]).toEqual(['4711 one', '4711 two']);
  });
});
