import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import type { pnsSocket as PnsSocketFactory, PnsSocket, PnsSocketOptions } from '@pns/client/browser';
import { log } from '@pns/runtime';
import { transformSync } from '@swc/core';
import { io } from 'socket.io-client';
import { TestNodes, type TestNode } from '../testing/nodes';

log.level = 'silent';

const source = readFileSync(require.resolve('@pns/client/browser'), 'utf8');

/** The minified source of the helper, as a bundler would make it. */
const minified = (type: 'es6' | 'commonjs'): string =>
  transformSync(source, {
    swcrc: false,
    jsc: { target: 'es2022', parser: { syntax: 'ecmascript' }, minify: { compress: true, mangle: true } },
    module: { type },
    minify: true,
  }).code;

/** A page with a clock of its own that uses the minified helper. */
class Page {
  readonly frames: unknown[][] = [];
  readonly states: [boolean, string?][] = [];
  timesRefreshed = 0;
  timesAsked = 0;
  /** How far the clock of this page is ahead, in ms. */
  aheadMs = 0;
  readonly pns: PnsSocket;
  private readonly changes = new EventEmitter();

  constructor(url: string, options: Partial<PnsSocketOptions> & Pick<PnsSocketOptions, 'session'>) {
    const exported: { pnsSocket?: typeof PnsSocketFactory } = {};
    const now = () => Date.now() + this.aheadMs;
    const globals = { exports: exported, setTimeout, clearTimeout, crypto: { randomUUID }, Date: { now } };
    runInNewContext(minified('commonjs'), globals);
    const change = (work: () => void) => {
      work();
      this.changes.emit('news');
    };
    this.pns = (exported.pnsSocket as typeof PnsSocketFactory)(io, url, {
      onNotification: (...frame) => change(() => this.frames.push(frame)),
      refresh: () => change(() => this.timesRefreshed++),
      onState: (...state) => change(() => this.states.push(state)),
      ...options,
      session: () => {
        change(() => this.timesAsked++);
        return options.session();
      },
    });
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.changes, 'news');
  }

  /** Resolves when the page has connected `times` times. */
  connected(times = 1): Promise<void> {
    return this.until(() => this.states.filter(([isConnected]) => isConnected).length >= times);
  }

  /** Resolves with the subjects of the page's notifications when there are `count`. */
  async subjects(count: number): Promise<unknown[]> {
    await this.until(() => this.frames.length >= count);
    return this.frames.map(([, payload]) => (payload as { subject: string }).subject);
  }
}

let nodes: TestNodes;
let near: TestNode;
let far: TestNode;
const pages: Page[] = [];

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  [near, far] = await Promise.all([nodes.start(), nodes.start()]);
});
beforeEach(() => nodes.nextUser());
afterEach(() => {
  for (const page of pages.splice(0)) page.pns.close();
});
afterAll(() => nodes.stop());

function open(url: string, { session = () => nodes.token(), ...options }: Partial<PnsSocketOptions> = {}): Page {
  const page = new Page(url, { session, ...options });
  pages.push(page);
  return page;
}

const mail = (subject: string) => ({ payload: { folder: 'default0/INBOX', subject } });

it('has less than 3 kB, minified and before compression', () => {
  expect(Buffer.byteLength(minified('es6'))).toBeLessThan(3000);
});

it('forwards notifications with their meta, and requests the session and the data once', async () => {
  const page = open(near.url);
  await page.connected();
  const [sent] = await nodes.dispatch({ ...mail('First'), timestamp: 1234, count: 3 });
  await page.subjects(1);
  const meta = { id: sent?.notificationId, timestamp: 1234, count: 3 };
  expect(page.frames).toEqual([['ox:mail:new', mail('First').payload, meta]]);
  expect([page.timesAsked, page.timesRefreshed]).toEqual([1, 1]);
});

it('receives no notification that it caused', async () => {
  const page = open(near.url, { connection: 'my-page' });
  await page.connected();
  await nodes.dispatch({ ...mail('Own'), sourceToken: 'my-page' });
  await nodes.dispatch({ ...mail('Of others'), sourceToken: 'another-page' });
  expect(await page.subjects(1)).toEqual(['Of others']);
});

it("works beside App Suite's own client, a Socket.IO 2, with the same session", async () => {
  const session = await nodes.token();
  const suite = await nodes.connect(near, 'app-suite', { generation: 'v2', query: { session } });
  const page = open(near.url, { session: () => session, connection: 'my-page' });
  await page.connected();
  await nodes.dispatch(mail('To both'));
  await nodes.dispatch({ ...mail('To the page'), sourceToken: 'app-suite' });
  await nodes.dispatch({ ...mail('To App Suite'), sourceToken: 'my-page' });
  expect(await page.subjects(2)).toEqual(['To both', 'To the page']);
  expect(await suite.got(2)).toEqual(
    ['To both', 'To App Suite'].map((subject) => ['ox:mail:new', mail(subject).payload]),
  );
});

it('uses a new session when the old one ends, and misses nothing meanwhile', async () => {
  const issued: string[] = [];
  let give: (token: string) => void = () => undefined;
  const renewed = new Promise<string>((resolve) => (give = resolve));
  const page = open(near.url, {
    session: async () => {
      if (issued.length > 0) return renewed;
      const { id, token } = await nodes.sessions.issue(nodes.user);
      issued.push(id);
      return token;
    },
  });
  await page.connected();
  await nodes.sessions.end(issued[0] as string);
  await page.until(() => page.timesAsked === 2);
  await nodes.untilOpen(0);
  await nodes.dispatch(mail('Meanwhile'));
  give(await nodes.token());
  await page.connected(2);
  await nodes.dispatch(mail('Afterwards'));
  expect(await page.subjects(2)).toEqual(['Meanwhile', 'Afterwards']);
  expect([page.timesAsked, page.timesRefreshed]).toEqual([2, 1]);
});

it('requests another session when PNS refuses the first one', async () => {
  const tokens = ['not a token', await nodes.token()];
  const page = open(near.url, { session: () => tokens.shift() as string });
  await page.connected();
  expect(page.timesAsked).toBe(2);
  expect(page.states[0]?.[0]).toBe(false);
});

it('repeats the request for a session after a failure', async () => {
  let isDown = true;
  const session = () => {
    if (!isDown) return nodes.token();
    isDown = false;
    throw new Error('the server of the page is away');
  };
  const page = open(near.url, { session });
  await page.connected();
  expect(page.states).toEqual([[false, 'the server of the page is away'], [true]]);
});

it('gets what it missed when it comes back, at another node too, and no notification twice', async () => {
  const balancer = await nodes.balancer();
  balancer.sendTo(near);
  const page = open(balancer.url);
  await page.connected();
  await nodes.dispatch(mail('Before'));
  await page.subjects(1);
  page.pns.socket.io.reconnection(false);
  page.pns.socket.io.engine.close();
  await nodes.untilOpen(0);
  balancer.sendTo(far);
  await nodes.dispatch(mail('Away'));
  page.pns.socket.io.reconnection(true);
  page.pns.socket.connect();
  await page.connected(2);
  expect(await page.subjects(2)).toEqual(['Before', 'Away']);
  const again = page.frames[1]?.[2] as { id: string };
  await nodes.dispatch({ ...mail('Away'), notificationId: again.id });
  await nodes.dispatch(mail('New'));
  expect(await page.subjects(3)).toEqual(['Before', 'Away', 'New']);
  expect([page.timesAsked, page.timesRefreshed]).toEqual([1, 1]);
  page.pns.close();
  await balancer.close();
});

it('fetches the data again when PNS sends notifications:missed', async () => {
  const page = open(near.url, { connection: 'away' });
  await page.connected();
  page.pns.socket.io.reconnection(false);
  page.pns.socket.io.engine.close();
  await nodes.untilOpen(0);
  await nodes.closedSince('away', 150_000);
  page.pns.socket.io.reconnection(true);
  page.pns.socket.connect();
  await page.connected(2);
  await page.until(() => page.timesRefreshed === 2);
});

it('fetches the data again after a sleep of the device that was longer than the mailbox is kept', async () => {
  const page = open(near.url);
  await page.connected();
  page.aheadMs = 3_600_000; // during a sleep of the device the clock runs, and timers and sockets do not
  page.pns.socket.io.engine.close();
  await page.connected(2);
  expect(page.timesRefreshed).toBe(2);
  page.pns.socket.io.engine.close();
  await page.connected(3);
  expect(page.timesRefreshed).toBe(2);
});

it('does not reconnect after it was closed', async () => {
  const page = open(far.url);
  await page.connected();
  page.pns.close();
  await nodes.untilOpen(0);
  expect(page.states).toEqual([[true], [false, 'io client disconnect']]);
});
