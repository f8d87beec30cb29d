import { DeliveryPlaces, type Place, type PlaceRequest } from './delivery-places';

let nowMs: number;
let places: DeliveryPlaces;
let calledBack: string[];
/** Jobs that another process has when they are called back. */
const elsewhere = new Set<string>();

beforeEach(() => {
  nowMs = 0;
  calledBack = [];
  elsewhere.clear();
  places = new DeliveryPlaces(320, () => nowMs);
});

const job = (id: string, changes: Partial<PlaceRequest> & { size?: number } = {}): PlaceRequest => ({
  source: 'shard-0',
  endpoint: 'a',
  job: id,
  deliveries: Array.from({ length: changes.size ?? 1 }, () => ({ context: 1, user: 14 })),
  isBack: false,
  capacity: 40,
  callBack: () => {
    calledBack.push(id);
    return elsewhere.has(id) ? Promise.reject(new Error('Missing delayed job')) : Promise.resolve();
  },
  ...changes,
});

/** Of one user each, so that no user's part of a source is used up. */
const ofMany = (size: number, context = 1) =>
  Array.from({ length: size }, (_, user) => ({ context: context + user, user }));

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

/** What became of a job so far. */
async function enter(request: PlaceRequest): Promise<Place | 'deferred' | 'waits'> {
  let now: Place | 'deferred' | 'waits' = 'waits';
  void places.enter(request).then((place) => (now = place ?? 'deferred'));
  await turns();
  return now;
}

async function placeOf(request: PlaceRequest): Promise<Place> {
  const place = await enter(request);
  if (typeof place === 'string') throw new Error(`${request.job} ${place}`);
  return place;
}

/** An endpoint that is known to answer within 10 ms and to take all that its connections carry. */
async function quick(endpoint: string, capacity = 40): Promise<void> {
  for (let round = 0; round < 3 * capacity; round++) {
    const place = await placeOf(job(`warm-${endpoint}-${round}`, { endpoint, capacity, deliveries: ofMany(capacity) }));
    nowMs += 10;
    for (let delivery = 0; delivery < capacity; delivery++) place.ended('answered', 10);
    place.leave();
  }
}

describe('an endpoint', () => {
  it('has as many deliveries in flight as its limit allows, in jobs of any size and queue, and the rest wait in order', async () => {
    await quick('a');
    const running: Place[] = [];
    for (let at = 0; at < 40; at++) running.push(await placeOf(job(`j${at}`, { source: `shard-${at % 4}` })));
    const started: string[] = [];
    for (const id of ['first', 'second', 'third']) void places.enter(job(id)).then(() => started.push(id));
    await turns();
    expect(started).toEqual([]);
    running[0]?.ended('answered', 10);
    await turns();
    expect(started).toEqual(['first']);
    running[1]?.leave();
    running[2]?.leave();
    await turns();
    expect(started).toEqual(['first', 'second', 'third']);
  });

  it('counts deliveries as soon as they end, though their job goes on', async () => {
    await quick('a');
    const large = await placeOf(job('large', { size: 40 }));
    expect(await enter(job('next'))).toBe('waits');
    for (let at = 0; at < 10; at++) large.ended('answered', 10);
    expect(await enter(job('after'))).not.toBe('deferred');
    large.leave();
    large.ended('answered', 10);
    expect(await enter(job('last', { size: 30 }))).not.toBe('waits');
  });

  it('may take one job that is larger than its limit', async () => {
    await quick('a');
    expect(await enter(job('large', { size: 100, deliveries: ofMany(100) }))).not.toBe('waits');
    expect(await enter(job('small'))).toBe('waits');
  });

  it('starts with a quarter and has all once answers have come', async () => {
    const first = await Promise.all(Array.from({ length: 11 }, (_, at) => enter(job(`j${at}`))));
    expect(first.filter((place) => place === 'waits')).toHaveLength(1);
    for (const place of first) if (typeof place !== 'string') place.leave();
    await quick('a');
    const running = await Promise.all(Array.from({ length: 41 }, (_, at) => enter(job(`k${at}`))));
    expect(running.filter((place) => place === 'waits')).toHaveLength(2);
  });

  it('has fewer once it has failed', async () => {
    await quick('a');
    const running = await Promise.all(Array.from({ length: 40 }, (_, at) => placeOf(job(`j${at}`))));
    nowMs += 1000;
    for (const place of running) {
      place.ended('failed', 10);
      place.leave();
    }
    const next = await Promise.all(Array.from({ length: 40 }, (_, at) => enter(job(`k${at}`))));
    expect(next.filter((place) => place === 'waits')).toHaveLength(20);
  });

  it('is not judged by deliveries that were not sent', async () => {
    await quick('a');
    const running = await Promise.all(Array.from({ length: 40 }, (_, at) => placeOf(job(`j${at}`))));
    for (const place of running) {
      place.ended('nothing', 60_000);
      place.leave();
    }
    expect(await Promise.all(Array.from({ length: 40 }, (_, at) => enter(job(`k${at}`))))).not.toContain('waits');
  });
});

describe('a source', () => {
  it('is full once its places are held, waiting jobs included', async () => {
    await quick('a');
    await quick('b');
    for (let at = 0; at < 8; at++) await enter(job(`a${at}`, { size: 20 }));
    expect(places.isFull('shard-0')).toBe(false);
    for (let at = 0; at < 16; at++)
      await enter(job(`b${at}`, { size: 10, endpoint: `b${at}`, capacity: 1000, deliveries: ofMany(10) }));
    expect(places.isFull('shard-0')).toBe(true);
    expect(places.isFull('shard-1')).toBe(false);
  });

  it('keeps as much free for others as one endpoint holds of it', async () => {
    await quick('a');
    const outcomes = [];
    for (let at = 0; at < 200; at++) outcomes.push(await enter(job(`a${at}`)));
    expect(outcomes.indexOf('deferred')).toBe(160);
    await quick('b');
    expect(await enter(job('b', { endpoint: 'b' }))).not.toBe('deferred');
    expect(await enter(job('a', { source: 'shard-1', isBack: true }))).toBe('waits');
  });

  it('has room for another endpoint beside ten that hold as much as they may', async () => {
    for (const name of 'cdefghijkl') await quick(name, 1);
    for (let at = 0; at < 1000; at++)
      await enter(job(`${at}`, { endpoint: 'cdefghijkl'[at % 10] ?? '', capacity: 1, isBack: true }));
    await quick('quick', 1);
    expect(places.isFull('shard-0')).toBe(false);
    expect(await enter(job('quick', { endpoint: 'quick', capacity: 1 }))).not.toBe('deferred');
  });

  it('defers nothing where many endpoints hold little each', async () => {
    for (let at = 0; at < 50; at++) await quick(`e${at}`, 1);
    const outcomes = [];
    for (let at = 0; at < 320; at++) outcomes.push(await enter(job(`${at}`, { endpoint: `e${at % 50}`, capacity: 1 })));
    expect(outcomes).not.toContain('deferred');
    expect(places.isFull('shard-0')).toBe(true);
  });
});

describe('endpoints that are not known to be quick', () => {
  const slow = (at: number, user: number, context = 1): PlaceRequest =>
    job(`${context} ${user} ${at}`, { endpoint: `slow-${context}-${user}-${at}`, deliveries: [{ context, user }] });
  const heldOf = async (requests: readonly PlaceRequest[]): Promise<number> => {
    const outcomes = [];
    for (const request of requests) outcomes.push(await enter(request));
    return outcomes.filter((outcome) => outcome !== 'deferred').length;
  };
  const many = (count: number, request: (at: number) => PlaceRequest) =>
    Array.from({ length: count }, (_, at) => request(at));

  it('hold at most an eighth of a source for one user, a quarter for one context, and half for all', async () => {
    await quick('a');
    expect(await heldOf(many(100, (at) => slow(at, 14)))).toBe(40);
    expect(await heldOf(many(100, (at) => slow(at, 15 + at)))).toBe(40);
    expect(await heldOf(many(300, (at) => slow(at, at, 2 + (at % 3))))).toBe(80);
    expect(await heldOf([slow(0, 1, 9)])).toBe(0);
    expect(await heldOf([job('quick')])).toBe(1);
  });

  it('count for nobody in particular in a job of several users or contexts', async () => {
    const shared = (at: number): PlaceRequest =>
      job(`${at}`, {
        endpoint: `e${at}`,
        deliveries: [
          { context: at, user: 1 },
          { context: -1, user: 1 },
        ],
      });
    expect(await heldOf(many(100, shared))).toBe(80);
  });
});

describe('a job that was deferred', () => {
  /** Fills the part of a source that one endpoint may hold; answers those that run. */
  const fill = async (): Promise<Place[]> => {
    await quick('a');
    const all = [];
    for (let at = 0; at < 160; at++) all.push(await enter(job(`f${at}`)));
    return all.filter((place) => typeof place !== 'string');
  };
  const defer = async (id: string, changes: Partial<PlaceRequest> = {}): Promise<void> => {
    expect(await enter(job(id, changes))).toBe('deferred');
    places.isDeferred('a', id);
    await turns();
  };

  it('is called back when there is room, in the order of coming, and its place is kept', async () => {
    const running = await fill();
    for (const id of ['first', 'second', 'third']) await defer(id);
    expect(calledBack).toEqual([]);
    running[0]?.leave();
    expect(calledBack).toEqual(['first']);
    running[1]?.leave();
    expect(calledBack).toEqual(['first', 'second']);
    expect(await enter(job('new'))).toBe('deferred');
    expect(await enter(job('first', { isBack: true }))).toBe('waits');
    expect(await enter(job('second', { isBack: true }))).toBe('waits');
  });

  it('is overtaken by no new job', async () => {
    const running = await fill();
    await defer('old');
    for (const place of running.slice(0, 20)) place.leave();
    await defer('new');
    expect(calledBack).toEqual(['old', 'new']);
  });

  it('keeps its turn when it comes back too early', async () => {
    const running = await fill();
    await defer('first');
    await defer('second');
    await defer('first', { isBack: true });
    running[0]?.leave();
    expect(calledBack).toEqual(['first']);
  });

  it('is not called before it is in its queue again', async () => {
    const running = await fill();
    await enter(job('on its way'));
    running[0]?.leave();
    expect(calledBack).toEqual([]);
    places.isDeferred('a', 'on its way');
    expect(calledBack).toEqual(['on its way']);
  });

  it('leaves its turn to the next one where another process has it', async () => {
    const running = await fill();
    elsewhere.add('taken');
    await defer('taken');
    await defer('next');
    running[0]?.leave();
    await turns();
    expect(calledBack).toEqual(['taken', 'next']);
  });

  it('keeps no place where it does not come although it was called', async () => {
    const running = await fill();
    await defer('lost');
    running[0]?.leave();
    await defer('next');
    expect(calledBack).toEqual(['lost']);
    nowMs += 500;
    running[1]?.leave();
    expect(calledBack).toEqual(['lost', 'next']);
    expect(await enter(job('lost', { isBack: true }))).toBe('waits');
  });

  it('by another process waits here as if it had been deferred here', async () => {
    await fill();
    await defer('here');
    await defer('there', { isBack: true, source: 'shard-0' });
    expect(await enter(job('beside', { isBack: true, source: 'shard-1' }))).toBe('waits');
  });

  it('comes back by itself after its turn, at most after fifteen seconds', async () => {
    await fill();
    await defer('first');
    const soon = places.pauseMs('a', 0.99);
    for (let at = 0; at < 10_000; at++) void places.enter(job(`more-${at}`));
    expect(places.pauseMs('a', 0.99)).toBeGreaterThan(soon);
    expect(places.pauseMs('a', 0)).toBeLessThan(places.pauseMs('a', 0.99));
    for (let at = 0; at < 100_000; at++) void places.enter(job(`most-${at}`, { capacity: 1 }));
    expect(places.pauseMs('a', 0.99)).toBeLessThanOrEqual(15_000);
    expect(places.pauseMs('unknown', 0)).toBeGreaterThan(0);
  });
});

it('closed, defers what waits and what comes, and calls nobody back', async () => {
  await quick('a');
  const running = await placeOf(job('running', { size: 40 }));
  const waiting = places.enter(job('waiting'));
  places.close();
  expect(await waiting).toBeUndefined();
  places.isDeferred('a', 'waiting');
  running.leave();
  expect(await enter(job('late'))).toBe('deferred');
  places.isDeferred('a', 'late');
  expect(calledBack).toEqual([]);
  expect(places.pauseMs('a', 1)).toBeLessThanOrEqual(50);
  expect(places.isFull('shard-0')).toBe(false);
});
