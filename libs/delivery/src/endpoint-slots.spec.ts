import { EndpointSlots } from './endpoint-slots';

const nobody = (): void => undefined;

/** What has been settled by now, told apart from what still waits. */
async function settled(promise: Promise<boolean>): Promise<boolean | 'waits'> {
  return Promise.race([promise, new Promise<'waits'>((resolve) => setImmediate(() => resolve('waits')))]);
}

/** Takes every slot of an endpoint and every place to wait for one. */
function fill(slots: EndpointSlots, endpoint: string, perEndpoint: number): Promise<boolean>[] {
  for (let job = 0; job < perEndpoint; job++) void slots.enter(endpoint, `running-${job}`, nobody);
  return Array.from({ length: perEndpoint }, (_, job) => slots.enter(endpoint, `waiting-${job}`, nobody));
}

it('one endpoint has so many slots and as many places to wait, and its lack of them is nobody else’s', async () => {
  const slots = new EndpointSlots(2);
  const waiting = fill(slots, 'a', 2);
  expect(await slots.enter('a', 'one too many', nobody)).toBe(false);
  expect(await Promise.all(waiting.map(settled))).toEqual(['waits', 'waits']);
  expect(await slots.enter('b', 'another', nobody)).toBe(true);
});

it('a slot goes to the job that has waited longest', async () => {
  const slots = new EndpointSlots(1);
  const [first] = fill(slots, 'a', 1);
  slots.leave('a', 10);
  expect(await first).toBe(true);
  const second = slots.enter('a', 'second', nobody);
  expect(await settled(second)).toBe('waits');
  slots.leave('a', 10);
  expect(await second).toBe(true);
  slots.leave('a', 10);
  expect(await slots.enter('a', 'third', nobody)).toBe(true);
});

it('calls jobs back in their order when there is room, and those that came back by themselves not any more', async () => {
  const slots = new EndpointSlots(1);
  void fill(slots, 'a', 1);
  const called: string[] = [];
  for (const job of ['first', 'second', 'third', 'fourth']) {
    expect(await slots.enter('a', job, () => called.push(job))).toBe(false);
  }
  slots.leave('a', 10);
  expect(called).toEqual(['first']);
  void slots.enter('a', 'second', () => called.push('second once more'));
  slots.leave('a', 10);
  expect(called).toEqual(['first', 'third']);
  slots.leave('a', 10);
  expect(called).toEqual(['first', 'third', 'fourth']);
});

it('calls nobody back once it is closed', async () => {
  const slots = new EndpointSlots(1);
  void fill(slots, 'a', 1);
  const called: string[] = [];
  await slots.enter('a', 'late', () => called.push('late'));
  slots.close();
  slots.leave('a', 10);
  expect(called).toEqual([]);
});

it('puts jobs off for longer the more are before them, each counted once', async () => {
  const slots = new EndpointSlots(4);
  void fill(slots, 'a', 4);
  await slots.enter('a', 'late-0', nobody);
  const soon = slots.pauseMs('a', 0.99);
  for (let job = 0; job < 40; job++) await slots.enter('a', 'late-0', nobody);
  expect(slots.pauseMs('a', 0.99)).toBe(soon);
  for (let job = 0; job < 40; job++) await slots.enter('a', `late-${job}`, nobody);
  expect(slots.pauseMs('a', 0.99)).toBeGreaterThan(5 * soon);
  expect(slots.pauseMs('a', 0)).toBeLessThan(slots.pauseMs('a', 0.99));
});

it('learns how quick an endpoint is', async () => {
  const slots = new EndpointSlots(1);
  void fill(slots, 'a', 1);
  await slots.enter('a', 'late', nobody);
  const before = slots.pauseMs('a', 0.5);
  for (let job = 0; job < 20; job++) {
    slots.leave('a', 4);
    void slots.enter('a', `job-${job}`, nobody);
  }
  expect(slots.pauseMs('a', 0.5)).toBeLessThan(before / 5);
});

it('never puts a job off for longer than five seconds, and never for no time', () => {
  const slots = new EndpointSlots(1);
  for (let job = 0; job < 10_000; job++) void slots.enter('a', `${job}`, nobody);
  expect(slots.pauseMs('a', 0.9999)).toBeLessThanOrEqual(5000);
  expect(slots.pauseMs('unknown', 0)).toBeGreaterThan(0);
});

it('puts off what waits, and what comes later, once it is closed', async () => {
  const slots = new EndpointSlots(1);
  const [waiting] = fill(slots, 'a', 1);
  slots.close();
  expect(await waiting).toBe(false);
  slots.leave('a', 10);
  expect(await slots.enter('a', 'later', nobody)).toBe(false);
});
