import fc from 'fast-check';
import { DeliveryPlaces, type PlaceRequest, type Places } from './delivery-places';

/** A job that asks for places, and its state. */
class Job {
  places: Places | undefined;
  isDeferred = false;
  called = 0;
  entered: Promise<void> = Promise.resolve();

  constructor(
    private readonly all: DeliveryPlaces,
    readonly request: PlaceRequest,
  ) {}

  enter(): this {
    this.isDeferred = false;
    this.entered = this.all.enter(this.request).then((places) => {
      this.places = places;
      if (places !== undefined) return;
      this.isDeferred = true;
      this.all.defer(this.request);
    });
    return this;
  }

  /** Ends the job and its deliveries, each with an answer after 100 ms. */
  end(): void {
    for (let left = this.request.deliveries; left > 0; left--) this.places?.ended('answered', 100);
    this.places?.leave();
  }
}

let named = 0;
const ended = new Set<Job>();

function jobs(all: DeliveryPlaces, count: number, changes: Partial<PlaceRequest> = {}): Job[] {
  return Array.from({ length: count }, () => {
    const wake = (): Promise<boolean> => {
      job.called++;
      return Promise.resolve(true);
    };
    const request = { endpoint: 'a', capacity: 4, deliveries: 1, size: 1, job: `job-${named++}`, wake, ...changes };
    const job = new Job(all, request);
    return job;
  });
}

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

const started = (some: readonly Job[]): number => some.filter(({ places }) => places !== undefined).length;
const deferred = (some: readonly Job[]): number => some.filter(({ isDeferred }) => isDeferred).length;
const called = (some: readonly Job[]): number => some.filter((job) => job.called > 0).length;

it('starts a quarter of what the connections carry, lets two hundred deliveries wait, and defers the rest', async () => {
  const all = jobs(new DeliveryPlaces(8000), 300, { capacity: 80 });
  for (const job of all) job.enter();
  await settled();
  expect([started(all), deferred(all)]).toEqual([20, 100]);
});

it('counts deliveries, not jobs', async () => {
  const all = jobs(new DeliveryPlaces(8000), 10, { capacity: 400, deliveries: 100 });
  for (const job of all) job.enter();
  await settled();
  expect([started(all), deferred(all)]).toEqual([1, 5]);
});

it('starts the job that has waited longest when a delivery has ended, even if the rest of its job has not', async () => {
  const [first, second, third] = jobs(new DeliveryPlaces(8000), 3, { capacity: 2, deliveries: 2 });
  for (const job of [first, second, third]) job?.enter();
  await settled();
  first?.places?.ended('nothing', 1);
  first?.places?.ended('nothing', 1);
  await settled();
  expect([second?.places, third?.places]).toEqual([expect.anything(), undefined]);
});

it('wakes deferred jobs in order, and reserves a place for each', async () => {
  const places = new DeliveryPlaces(8000);
  const all = jobs(places, 205, { capacity: 1 });
  for (const job of all) job.enter();
  await settled();
  all[0]?.end();
  await settled();
  expect(all.slice(200).map((job) => job.called)).toEqual([1, 0, 0, 0, 0]);
  const [late] = jobs(places, 1);
  late?.enter();
  await settled();
  expect(late?.isDeferred).toBe(true);
  all[200]?.enter();
  await settled();
  expect(all[200]?.isDeferred).toBe(false);
});

it('wakes the next job when another process has the job', async () => {
  const places = new DeliveryPlaces(8000);
  const all = jobs(places, 200);
  const taken = jobs(places, 1, { wake: () => Promise.resolve(false) });
  const [next] = jobs(places, 1);
  for (const job of [...all, ...taken]) job.enter();
  next?.enter();
  await settled();
  all[0]?.end();
  await settled();
  expect(next?.called).toBe(1);
});

it('leaves as many places free as an endpoint uses, for any number of endpoints that do not answer', async () => {
  const places = new DeliveryPlaces(1000);
  const hanging = Array.from({ length: 50 }, (_, at) => jobs(places, 200, { endpoint: `hangs-${at}` })).flat();
  for (const job of hanging) job.enter();
  const [other] = jobs(places, 1, { endpoint: 'other' });
  other?.enter();
  await settled();
  expect(other?.places).toBeDefined();
});

it('after close, defers waiting and new jobs, and leaves deferred jobs to other processes', async () => {
  const places = new DeliveryPlaces(8000);
  const all = jobs(places, 205, { capacity: 1 });
  for (const job of all) job.enter();
  await settled();
  await places.close();
  await settled();
  const [late] = jobs(places, 1);
  late?.enter();
  await settled();
  expect([started(all), deferred(all), called(all), late?.isDeferred]).toEqual([1, 204, 204, true]);
});

it('defers a job for longer the more jobs are before it, between 50 ms and 15 s', async () => {
  const places = new DeliveryPlaces(8000);
  const pauses = [places.pauseMs('a', 0.99)];
  for (const more of [210, 200, 10_000]) {
    for (const job of jobs(places, more, { capacity: 400 })) job.enter();
    await settled();
    pauses.push(places.pauseMs('a', 0.99));
  }
  expect(pauses[0]).toBe(50);
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  expect(pauses[2]).toBeGreaterThan(1.5 * Number(pauses[1]));
  expect(pauses[3]).toBeLessThanOrEqual(15_000);
});

it('defers a job for longer the more deliveries the jobs before it have', async () => {
  const pauseMs = async (deliveries: number): Promise<number> => {
    const places = new DeliveryPlaces(8000);
    for (const job of jobs(places, 400, { capacity: 4000, deliveries })) job.enter();
    await settled();
    return places.pauseMs('a', 0.99);
  };
  expect(await pauseMs(20)).toBeGreaterThan(1.5 * (await pauseMs(10)));
});

it('lets fewer deliveries wait whose payloads take several places', async () => {
  const all = (size: number) => jobs(new DeliveryPlaces(1000), 600, { capacity: 4000, size });
  const [small, large] = [all(1), all(16)];
  for (const job of [...small, ...large]) job.enter();
  await settled();
  expect([started(small), started(large)]).toEqual([500, 32]);
});

it('has places for every job that it wakes, while one endpoint uses half of all places', async () => {
  const places = new DeliveryPlaces(1000);
  const all = jobs(places, 100, { capacity: 4000, deliveries: 25 });
  for (const job of all) job.enter();
  await settled();
  for (const job of all.filter((each) => each.places !== undefined).slice(0, 6)) job.end();
  await settled();
  const woken = all.filter((job) => job.called > 0);
  expect(woken.length).toBeGreaterThan(1);
  for (const job of woken) job.enter();
  await settled();
  expect(deferred(woken)).toBe(0);
});

it('starts every job, never more than one above the capacity of the connections, and ends with no place taken', async () => {
  const step = fc.record({
    endpoint: fc.constantFrom('a', 'b', 'c'),
    deliveries: fc.integer({ min: 1, max: 100 }),
    size: fc.integer({ min: 1, max: 16 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 50 }), async (steps, capacity) => {
      const places = new DeliveryPlaces(400);
      const all = steps.flatMap((each) => jobs(places, 1, { capacity, ...each }));
      for (const job of all) job.enter();
      for (
        let left = all.filter((job) => !ended.has(job));
        left.length > 0;
        left = left.filter((job) => !ended.has(job))
      ) {
        await settled();
        const running = left.filter((job) => job.places !== undefined);
        for (const endpoint of ['a', 'b', 'c']) {
          const sizes = running.flatMap(({ request }) => (request.endpoint === endpoint ? [request.deliveries] : []));
          const allButLast = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
          expect(allButLast).toBeLessThan(capacity);
        }
        const back = left.filter((job) => job.isDeferred && (job.called > 0 || running.length === 0));
        for (const job of running) {
          job.end();
          ended.add(job);
        }
        for (const job of back) job.enter();
      }
      expect(['a', 'b', 'c'].map((endpoint) => places.pauseMs(endpoint, 0.99))).toEqual([50, 50, 50]);
    }),
    { numRuns: 30 },
  );
});
