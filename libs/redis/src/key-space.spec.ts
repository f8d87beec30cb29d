import { KeySpace } from './key-space';

describe('KeySpace', () => {
  it('spreads neighbouring users and contexts evenly', () => {
    const keys = new KeySpace(8);
    const perShard = new Array<number>(8).fill(0);
    for (let context = 1; context <= 40; context++) {
      for (let user = 1; user <= 100; user++) {
        const shard = keys.shardOf(context, user);
        perShard[shard] = (perShard[shard] ?? 0) + 1;
      }
    }
    for (const users of perShard) expect(Math.abs(users - 500)).toBeLessThan(100);
  });

  it('keeps one hash tag per shard', () => {
    expect(new KeySpace(8).group(3)).toBe('{pns:3}');
  });
});
