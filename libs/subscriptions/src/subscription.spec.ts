import { isClientId, isExpired, isOwnedBy, subscriptionsWanting } from './subscription';

const now = 1_700_000_000_000;

describe('subscriptions of a user', () => {
  it('are selected by topic, pattern and time', () => {
    const subscriptions = [
      { id: 'exact', topics: ['ox:mail:new'] },
      { id: 'prefix', topics: ['ox:calendar:*', 'ox:mail:*'], expiresAt: now + 1 },
      { id: 'all', topics: ['*'] },
      { id: 'other', topics: ['ox:calendar:*'] },
      { id: 'underscore', topics: ['ox:ma_l:*'] },
      { id: 'expired', topics: ['*'], expiresAt: now },
      { id: 'none', topics: [] },
    ];
    expect(subscriptionsWanting('ox:mail:new', subscriptions, now).map(({ id }) => id)).toEqual([
      'exact',
      'prefix',
      'all',
    ]);
  });

  it('expire at their time, not after it', () => {
    expect(isExpired({ expiresAt: now }, now - 1)).toBe(false);
    expect(isExpired({ expiresAt: now }, now)).toBe(true);
    expect(isExpired({}, now)).toBe(false);
  });
});

it.each([
  [{ context: 1, user: 14 }, true],
  [{ context: 1 }, true],
  [{ context: 1, user: 1 }, false],
  [{ context: 14, user: 1 }, false],
  [{ context: 2 }, false],
])('data of user 14 in context 1 belongs to %j: %s', (owner, expected) => {
  expect(isOwnedBy({ context: 1, user: 14 }, owner)).toBe(expected);
});

it.each([
  ['open-xchange-appsuite', true],
  ['com.example.App_2', true],
  ['a'.repeat(64), true],
  ['', false],
  ['a'.repeat(65), false],
  ['a b', false],
  ['a:b', false],
  ['ä', false],
  ['a\n', false],
])('the client id %j is valid: %s', (id, expected) => {
  expect(isClientId(id)).toBe(expected);
});
