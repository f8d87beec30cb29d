import { PerClient } from './per-client';

interface Options {
  readonly host: string;
  readonly path: string;
}

/** A sender that counts how often it is closed. */
class Sender {
  closings = 0;

  constructor(readonly host: string) {}

  close(): void {
    this.closings++;
  }
}

const make = ({ host }: Options): Sender => new Sender(host);

it('keeps a sender while its options stay the same, and makes another one when they change', () => {
  const senders = new PerClient(make);
  const options = { host: 'a', path: '/' };
  const first = senders.of('mail', options);
  first.isProven = true;
  expect(senders.of('mail', options)).toBe(first);
  const second = senders.of('mail', { ...options });
  expect(second.sender).not.toBe(first.sender);
  expect(second.isProven).toBe(false);
});

it('keeps a sender, and that it is proven, if only options change that the sender does not use', () => {
  const senders = new PerClient(make, ({ host }: Options) => host);
  const first = senders.of('mail', { host: 'a', path: '/' });
  first.isProven = true;
  const changed = { host: 'a', path: '/other' };
  expect(senders.of('mail', changed)).toMatchObject({ sender: first.sender, options: changed, isProven: true });
});

it('gives each client a sender of its own', () => {
  const senders = new PerClient(make);
  const options = { host: 'a', path: '/' };
  expect(senders.of('mail', options).sender).not.toBe(senders.of('chat', options).sender);
  expect(senders.peek('drive')).toBeUndefined();
});

it('closes a replaced sender once, when its deliveries in progress have ended', async () => {
  const senders = new PerClient(make);
  const { sender, use } = boundSender(senders, { host: 'a', path: '/' });
  let finish: () => void = () => undefined;
  const sent = use(() => new Promise<void>((resolve) => (finish = resolve)));
  senders.of('mail', { host: 'b', path: '/' });
  await Promise.resolve();
  expect(sender.closings).toBe(0);
  const closed = senders.close();
  finish();
  await sent;
  await closed;
  expect(sender.closings).toBe(1);
});

it('counts a delivery that failed as ended', async () => {
  const senders = new PerClient(make);
  const { sender, use } = boundSender(senders, { host: 'a', path: '/' });
  await expect(use(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  await senders.close();
  expect(sender.closings).toBe(1);
});

function boundSender(senders: PerClient<Options, Sender>, options: Options) {
  const entry = senders.of('mail', options);
  return { sender: entry.sender, use: (send: () => Promise<void>) => entry.use(send) };
}
