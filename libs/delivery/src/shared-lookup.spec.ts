import { SharedLookup } from './shared-lookup';

/** Answers queries when the test requests it, and records them. */
class Store {
  readonly questions: (readonly string[])[] = [];
  private readonly open: { resolve: (live: Set<string>) => void; reject: (reason: Error) => void }[] = [];

  liveAmong(ids: readonly string[]): Promise<Set<string>> {
    this.questions.push(ids);
    return new Promise((resolve, reject) => this.open.push({ resolve, reject }));
  }

  answer(...live: string[]): void {
    this.open.shift()?.resolve(new Set(live));
  }

  fail(): void {
    this.open.shift()?.reject(new Error('away'));
  }
}

const store = new Store();
const live = new SharedLookup((ids) => store.liveAmong(ids));

it('makes the first query at once, and then one query for all calls that arrived meanwhile', async () => {
  const first = live.of(['a']);
  const others = [live.of(['b', 'c']), live.of(['d'])];
  store.answer('a');
  expect(await first).toEqual(new Set(['a']));
  store.answer('b', 'd');
  for (const other of await Promise.all(others)) expect(other).toEqual(new Set(['b', 'd']));
  expect(store.questions).toEqual([['a'], ['b', 'c', 'd']]);
});

it('rejects all calls that share a failed query, and continues', async () => {
  const first = live.of(['e']);
  const second = live.of(['f']);
  store.fail();
  await expect(first).rejects.toThrow('away');
  store.answer('f');
  expect(await second).toEqual(new Set(['f']));
});
