import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { IsolatedTransport, SenderDiedError } from './isolated-transport';

log.level = 'silent';

const entry = join(__dirname, 'testing', 'sender.cjs');
const { signal } = new AbortController();
const isolated = (script = entry, stepsAtOnce = 1) => new IsolatedTransport('webhook', script, stepsAtOnce);
const send = (transport: IsolatedTransport, id: string, until = signal) => transport.deliver({ id } as Delivery, until);

/** The id of the process that sent a delivery. */
const senderOf = (outcome: Outcome): number => (outcome.kind === 'delivered' ? Number(outcome.providerId) : NaN);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilEnded(pid: number): Promise<void> {
  await eventually('the process has ended', () => !isRunning(pid));
}

it('sends in one other process, which ends with its last user', async () => {
  const transport = isolated();
  let releaseFirst: () => void = () => undefined;
  const first = transport.during(() => new Promise<void>((resolve) => (releaseFirst = resolve)));
  const senders = await transport.during(async () =>
    (await Promise.all(['one', 'two', 'three'].map((id) => send(transport, id)))).map(senderOf),
  );
  expect(new Set(senders).size).toBe(1);
  const [sender = NaN] = senders;
  expect(sender).not.toBe(process.pid);
  expect(isRunning(sender)).toBe(true);
  releaseFirst();
  await first;
  await untilEnded(sender);
});

it.each([
  ['dies', 'it ended with SIGKILL'],
  ['exits', 'it ended with code 3'],
])('rejects what was being sent when the process %s, and sends the next one in a new process', async (fate, reason) => {
  const transport = isolated();
  await transport.during(async () => {
    const before = await send(transport, 'before');
    const interrupted = ['waits', fate].map((id) => send(transport, id));
    for (const each of await Promise.allSettled(interrupted)) {
      expect(each).toEqual({ status: 'rejected', reason: new SenderDiedError(reason) });
    }
    expect(senderOf(await send(transport, 'after'))).not.toBe(senderOf(before));
  });
});

it('a process that cannot start makes no delivery suspect', async () => {
  const transport = isolated(join(__dirname, 'testing', 'no such script.cjs'));
  await transport.during(async () => {
    const fault = await send(transport, 'any').catch((error: unknown) => error);
    expect(fault).not.toBeInstanceOf(SenderDiedError);
    expect(fault).toMatchObject({ message: expect.stringContaining('could not be started') as string });
  });
});

it('kills the process when the job of the step is lost, and later steps are not affected', async () => {
  const transport = isolated();
  const lost = new AbortController();
  await transport.during(async () => {
    const before = senderOf(await send(transport, 'before'));
    const step = transport.step(lost.signal, () => send(transport, 'waits', lost.signal));
    const next = transport.step(signal, () => send(transport, 'next'));
    lost.abort();
    await expect(step).rejects.toBe(lost.signal.reason);
    expect(senderOf(await next)).not.toBe(before);
    await untilEnded(before);
  });
});

it('runs one step at a time', async () => {
  const transport = isolated();
  const events: string[] = [];
  let end: () => void = () => undefined;
  const first = transport.step(signal, async () => {
    await new Promise<void>((resolve) => (end = resolve));
    events.push('first ended');
  });
  const second = transport.step(signal, () => Promise.resolve(events.push('second')));
  await new Promise((resolve) => setImmediate(resolve));
  end();
  await Promise.all([first, second]);
  expect(events).toEqual(['first ended', 'second']);
});

it('runs several steps at once in one process if it may, and a lost job does not end the others', async () => {
  const transport = isolated(entry, 2);
  const lost = new AbortController();
  await transport.during(async () => {
    const before = senderOf(await send(transport, 'before'));
    const first = transport.step(lost.signal, () => once(lost.signal, 'abort'));
    const beside = await transport.step(signal, async () => {
      lost.abort();
      return senderOf(await send(transport, 'beside'));
    });
    await first;
    expect(beside).toBe(before);
  });
});
