import type { Found, LookUp } from './name-lookup';
import { defaultNameLimits, type NameLimits, Names, type Seeker } from './names';

const found: Found = { addresses: [{ address: '192.0.2.1', family: 4 }], holdsMs: 5000 };
const jane: Seeker = { client: 'crm', context: 1, user: 14 };
const user = (user: number, context = 1): Seeker => ({ client: 'crm', context, user });

interface Answer {
  readonly resolve: (found: Found) => void;
  readonly reject: (reason: Error) => void;
}

/** A name server whose answers the test triggers. */
class HeldServer {
  readonly asked: string[] = [];
  private readonly open = new Map<string, Answer>();

  readonly lookUp: LookUp = (hostname) => {
    this.asked.push(hostname);
    return new Promise((resolve, reject) => this.open.set(hostname, { resolve, reject }));
  };

  async answer(...names: string[]): Promise<void> {
    for (const name of names) this.take(name).resolve(found);
    await turns();
  }

  async fail(...names: string[]): Promise<void> {
    for (const name of names) this.take(name).reject(new Error('ETIMEOUT'));
    await turns();
  }

  private take(name: string): Answer {
    const answer = this.open.get(name);
    if (answer === undefined) throw new Error(`${name} was not asked for.`);
    this.open.delete(name);
    return answer;
  }
}

/** Waits until all promises that can settle have settled. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** Returns the value of a promise, or `waits` if it has not settled. */
async function state(ready: true | Promise<boolean> = true): Promise<boolean | 'waits'> {
  let now: boolean | 'waits' = 'waits';
  void Promise.resolve(ready).then((isReady) => (now = isReady));
  await turns();
  return now;
}

let server: HeldServer;
let names: Names;
const start = (limits: Partial<NameLimits> = {}): void => {
  server = new HeldServer();
  names = new Names(server.lookUp, { ...defaultNameLimits, ...limits });
};
beforeEach(() => {
  jest.useFakeTimers();
  start();
});
afterEach(() => jest.useRealTimers());

describe('a name', () => {
  it('is looked up once for concurrent callers, and again when its answer has expired', async () => {
    const asked = Array.from({ length: 50 }, (_, at) => names.ready('one.example', user(at)));
    await server.answer('one.example');
    expect(await Promise.all(asked.map((each) => Promise.resolve(each)))).toEqual(Array(50).fill(true));
    expect(names.addresses('one.example')).toEqual(found.addresses);
    jest.advanceTimersByTime(4999);
    expect(names.ready('one.example', jane)).toBe(true);
    jest.advanceTimersByTime(1);
    void names.ready('one.example', jane);
    expect(server.asked).toEqual(['one.example', 'one.example']);
    expect(names.addresses('one.example')).toEqual(found.addresses);
  });

  it('that was not found is not looked up again for a second', async () => {
    const ready = names.ready('one.example', jane);
    await server.fail('one.example');
    expect(await ready).toBe(true);
    expect(() => names.addresses('one.example')).toThrow('ETIMEOUT');
    jest.advanceTimersByTime(999);
    expect(names.ready('one.example', jane)).toBe(true);
    jest.advanceTimersByTime(1);
    const again = names.ready('one.example', jane);
    await server.answer('one.example');
    expect(await again).toBe(true);
    expect(names.addresses('one.example')).toEqual(found.addresses);
  });

  it('that was not looked up has no addresses', () => {
    expect(() => names.addresses('one.example')).toThrow('could not be looked up');
  });

  it('is forgotten before memory runs full', async () => {
    start({ perUser: 20_000, perContext: 20_000, perProcess: 20_000 });
    for (let at = 0; at <= 10_000; at++) void names.ready(`${at}.example`, jane);
    await server.answer(...server.asked);
    void names.ready('10000.example', jane);
    expect(server.asked).toHaveLength(10_001);
    void names.ready('0.example', jane);
    expect(server.asked).toHaveLength(10_002);
  });
});

describe('look-ups in progress', () => {
  const many = (seekerOf: (at: number) => Seeker, count: number) =>
    Array.from({ length: count }, (_, at) => names.ready(`n${at}.example`, seekerOf(at)));

  it('are at most four of a user, and others are not delayed', () => {
    void many(() => jane, 20);
    expect(server.asked).toHaveLength(4);
    void names.ready('other.example', user(15));
    expect(server.asked).toHaveLength(5);
  });

  it('are at most sixteen of a context, and another context is not delayed', () => {
    void many((at) => user(at), 60);
    expect(server.asked).toHaveLength(16);
    void names.ready('other.example', user(14, 2));
    expect(server.asked).toHaveLength(17);
  });

  it('of one client leave room for those of another', () => {
    void many((at) => user(at), 60);
    void names.ready('other.example', { ...jane, client: 'erp' });
    expect(server.asked).toHaveLength(17);
  });

  it('are at most 256 of all contexts', () => {
    void many((at) => user(at, at), 300);
    expect(server.asked).toHaveLength(256);
  });

  it('start in the order of their waiting', async () => {
    void many(() => jane, 6);
    await server.answer('n2.example');
    expect(server.asked).toEqual(['n0.example', 'n1.example', 'n2.example', 'n3.example', 'n4.example']);
    await server.fail('n0.example', 'n1.example');
    expect(server.asked.at(-1)).toBe('n5.example');
  });

  it('serve all callers that wait for the same name', async () => {
    const ready = many(() => jane, 5);
    expect(await state(ready[4])).toBe('waits');
    void names.ready('n4.example', user(15));
    expect(server.asked).toHaveLength(5);
    await server.answer('n4.example');
    expect(await state(ready[4])).toBe(true);
    expect(server.asked).toHaveLength(5);
  });

  it('of silent names do not delay names of the same user that were found before', async () => {
    void names.ready('good.example', jane);
    await server.answer('good.example');
    jest.advanceTimersByTime(5000);
    void many(() => jane, 20);
    void names.ready('good.example', jane);
    expect(server.asked.at(-1)).toBe('good.example');
    await server.fail('good.example');
    jest.advanceTimersByTime(1000);
    void names.ready('good.example', jane);
    expect(server.asked.filter((name) => name === 'good.example')).toHaveLength(3);
  });
});

describe('a caller that waits for a look-up', () => {
  it('is rejected after two seconds if none could be started', async () => {
    const ready = Array.from({ length: 5 }, (_, at) => names.ready(`n${at}.example`, jane));
    jest.advanceTimersByTime(1999);
    expect(await state(ready[4])).toBe('waits');
    jest.advanceTimersByTime(1);
    expect(await state(ready[4])).toBe(false);
    await server.answer('n0.example');
    expect(server.asked).toHaveLength(4);
  });

  it('is one of at most sixteen of a user, and further ones are rejected at once', async () => {
    const ready = Array.from({ length: 21 }, (_, at) => names.ready(`n${at}.example`, jane));
    expect(await state(ready[19])).toBe('waits');
    expect(await state(ready[20])).toBe(false);
  });

  it('is one of at most 64 of a context', async () => {
    const ready = Array.from({ length: 81 }, (_, at) => names.ready(`n${at}.example`, user(at)));
    expect(await state(ready[79])).toBe('waits');
    expect(await state(ready[80])).toBe(false);
  });

  it('is not counted after it was served', async () => {
    start({ perUser: 1, waitingPerUser: 1 });
    for (let at = 0; at < 5; at++) {
      const [, waiting] = [names.ready(`a${at}.example`, jane), names.ready(`b${at}.example`, jane)];
      await server.answer(`a${at}.example`);
      await server.fail(`b${at}.example`);
      expect(await state(waiting)).toBe(true);
    }
  });
});
