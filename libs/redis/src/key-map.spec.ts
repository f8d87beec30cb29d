import { keyKindOf, keyMap } from './key-map';

it('has one kind for each pattern, and a lifetime for each key', () => {
  const patterns = keyMap.map(({ pattern }) => pattern);
  expect(new Set(patterns).size).toBe(patterns.length);
  expect(keyMap.filter(({ type, lifetime }) => (lifetime === '') !== (type === 'channel'))).toEqual([]);
});

it.each([
  ['{pns:12}:due', '{pns:<shard>}:due'],
  ['{pns:0}:batch:1700', '{pns:<shard>}:batch:<tick>'],
  ['{pns:0}:sockets:1:14', '{pns:<shard>}:sockets:<context>:<user>'],
  ['{pns:0}:webhook:wait', '{pns:<shard>}:<queue>:wait'],
  ['{pns:0}:webhook:3f2a:lock', '{pns:<shard>}:<queue>:<job>:lock'],
  ['{pns:0}:webhook:3f2a', '{pns:<shard>}:<queue>:<job>'],
  ['{pns:0}:subscription-sweep:repeat:sweep', '{pns:<shard>}:<queue>:repeat:<scheduler>'],
  ['{pns:websocket}:nodes', '{pns:websocket}:nodes'],
  ['{pns:websocket}:websocket-n1:active', '{pns:websocket}:<queue>:active'],
  ['pns:rate-limit:7', 'pns:rate-limit:<key>'],
  ['pns:sessions:ended', 'pns:sessions:ended'],
])('the key %s has the pattern %s', (key, pattern) => expect(keyKindOf(key)?.pattern).toBe(pattern));

it.each(['pns:other', '{pns:x}:due', 'due', '{pns:0}:due2'])('%s is not a key of PNS', (key) => {
  expect(keyKindOf(key)).toBeUndefined();
});

it('knows the keys under another prefix', () => {
  expect(keyKindOf('{t.1:3}:due', 't.1')?.type).toBe('zset');
  expect(keyKindOf('{pns:3}:due', 't.1')).toBeUndefined();
});
