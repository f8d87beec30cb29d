import type { LookupAddress } from 'node:dns';
import { type LookUp, sharedLookUp } from './webhook.lookup';

const address: LookupAddress = { address: '192.0.2.1', family: 4 };
const options = { family: 0, hints: 0 } as const;

interface Answer {
  readonly resolve: (found: LookupAddress[]) => void;
  readonly reject: (reason: Error) => void;
}

/** A name server that answers when the test says so. */
class NameServer {
  readonly asked: string[] = [];
  private readonly open: Answer[] = [];

  readonly lookUp: LookUp = (hostname) => {
    this.asked.push(hostname);
    return new Promise((resolve, reject) => this.open.push({ resolve, reject }));
  };

  answer(): void {
    for (const { resolve } of this.open.splice(0)) resolve([address]);
  }

  fail(): void {
    for (const { reject } of this.open.splice(0)) reject(new Error('EAI_AGAIN'));
  }
}

describe('a name', () => {
  let server: NameServer;
  let lookUp: LookUp;
  beforeEach(() => {
    jest.useFakeTimers();
    server = new NameServer();
    lookUp = sharedLookUp(server.lookUp);
  });
  afterEach(() => jest.useRealTimers());

  it('is looked up once for all who ask meanwhile, and again for who asks later', async () => {
    const found = Array.from({ length: 50 }, () => lookUp('one.example', options));
    server.answer();
    expect(await Promise.all(found)).toEqual(Array(50).fill([address]));
    expect(server.asked).toEqual(['one.example']);
    void lookUp('one.example', options);
    expect(server.asked).toHaveLength(2);
  });

  it('is looked up while another one is', () => {
    void lookUp('one.example', options);
    void lookUp('two.example', options);
    expect(server.asked).toEqual(['one.example', 'two.example']);
  });

  it('is looked up for itself where other addresses are asked for', () => {
    void lookUp('one.example', options);
    void lookUp('one.example', { ...options, family: 6 });
    expect(server.asked).toHaveLength(2);
  });

  it('that was not found is not looked up for a second', async () => {
    const failed = lookUp('one.example', options);
    server.fail();
    await expect(failed).rejects.toThrow('EAI_AGAIN');
    jest.advanceTimersByTime(999);
    await expect(lookUp('one.example', options)).rejects.toThrow('EAI_AGAIN');
    expect(server.asked).toHaveLength(1);
    jest.advanceTimersByTime(1);
    const found = lookUp('one.example', options);
    server.answer();
    expect(await found).toEqual([address]);
  });

  it('is forgotten before memory runs full', () => {
    for (let index = 0; index <= 10_000; index++) void lookUp(`${index}.example`, options);
    void lookUp('10000.example', options);
    expect(server.asked).toHaveLength(10_001);
    void lookUp('0.example', options);
    expect(server.asked).toHaveLength(10_002);
  });
});
