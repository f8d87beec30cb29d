import type { RedisClient } from '@pns/redis';
import { DeliveryMemory } from './delivery-memory';

const attempt = (id: number, more = {}) => ({ id: `d${id}`, attempt: 1, token: 'node', ...more });

it('knows the 20,000 attempts that arrived last, and forgets older ones', () => {
  const memory = new DeliveryMemory({} as RedisClient);
  for (let id = 0; id < 60_000; id++) {
    memory.arrived(attempt(id));
    if (id >= 20_000 && id % 1000 === 0) expect(memory.knows(attempt(id - 19_999))).toBe(true);
  }
  expect(memory.knows(attempt(0))).toBe(false);
});

it('does not know another attempt, nor an attempt to another target', () => {
  const memory = new DeliveryMemory({} as RedisClient);
  memory.arrived(attempt(1));
  expect(memory.knows(attempt(1))).toBe(true);
  expect(memory.knows(attempt(1, { attempt: 2 }))).toBe(false);
  expect(memory.knows(attempt(1, { token: 'node tab' }))).toBe(false);
});
