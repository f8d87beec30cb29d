import { Socket as TcpSocket } from 'node:net';
import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { Backlog, maxBacklogBytes } from './backlog';
import { LocalSocket } from './local-socket';
import { LocalSockets } from './local-sockets';
import { WebsocketTransport } from './websocket.transport';

const dueAt = Date.now();
const delivery: Delivery = {
  id: 'd',
  notificationId: 'n',
  context: 1,
  user: 14,
  client: 'suite',
  transport: 'websocket',
  token: 'node',
  topic: 'ox:mail:new',
  payload: {},
  priority: 'high',
  count: 1,
  timestamp: 1000,
  dueAt,
  attempt: 1,
};

const signal = new AbortController().signal;
let handedOn: [Delivery, boolean | undefined][];
let sockets: LocalSockets;
let transport: WebsocketTransport;

beforeEach(() => {
  handedOn = [];
  sockets = new LocalSockets();
  transport = new WebsocketTransport(sockets, (one, namedOnly) => {
    handedOn.push([one, namedOnly]);
    return Promise.resolve({ kind: 'moved', reason: 'not here' });
  });
});

function add(connection: string, more: object = {}, backlog = new Backlog(new TcpSocket())): LocalSocket {
  const limits = { maxNotifications: 1000, maxBytes: maxBacklogBytes };
  const key = { context: 1, user: 14, client: 'suite', connection, isAnonymous: false, wantsMeta: false, limits };
  const socket = new LocalSocket({ ...key, ...more }, backlog);
  sockets.add(socket);
  return socket;
}

const addressed = (more: Partial<Delivery> = {}): string[] =>
  sockets.addressedBy({ ...delivery, ...more }).map(({ options }) => options.connection);

describe('a delivery', () => {
  it.each<[string, Partial<Delivery>, string[]]>([
    ['is for all sockets of its client', {}, ['1', '2']],
    ['is not for the one that caused it', { sourceToken: '1' }, ['2']],
    ['is for the one that it names', { target: { kind: 'socket', node: 'node', connection: '2' } }, ['2']],
    [
      'is for nobody when it names the one that caused it',
      { target: { kind: 'socket', node: 'node', connection: '2' }, sourceToken: '2' },
      [],
    ],
    ['is for nobody of another client', { client: 'other' }, ['3']],
    ['is for nobody of another user', { user: 15 }, ['4']],
    ['is for nobody of another context', { context: 2 }, []],
  ])('%s', (_, more, expected) => {
    add('1');
    add('2');
    add('3', { client: 'other' });
    add('4', { user: 15 });
    expect(addressed(more)).toEqual(expected);
  });

  it('is forwarded when its socket is not at this node', async () => {
    await expect(transport.deliver(delivery, signal)).resolves.toMatchObject({ kind: 'moved' });
    expect(handedOn).toEqual([[delivery, undefined]]);
  });

  it.each<[string, object, Partial<Delivery>, number]>([
    ['with an id of its own', {}, {}, 1],
    ['without an id of its own', { isAnonymous: true }, {}, 0],
    ['that caused it', {}, { sourceToken: 'gone' }, 0],
    ['of another client', { client: 'other' }, {}, 0],
    ['before it was due', {}, { dueAt: dueAt + 60_000 }, 0],
  ])(
    'is forwarded for a socket %s that closed meanwhile only if that socket may receive it',
    async (_, more, of, times) => {
      add('stays');
      sockets.remove(add('gone', more));
      await expect(transport.deliver({ ...delivery, ...of }, signal)).resolves.toEqual({ kind: 'delivered' });
      expect(handedOn).toHaveLength(times);
      for (const [, namedOnly] of handedOn) expect(namedOnly).toBe(true);
    },
  );

  it('is not forwarded if the socket is back already', async () => {
    sockets.remove(add('1'));
    add('1');
    await expect(transport.deliver(delivery, signal)).resolves.toEqual({ kind: 'delivered' });
    expect(handedOn).toEqual([]);
  });

  it.each(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])(
    'of the topic %s can never be sent',
    async (topic) => {
      add('1');
      await expect(transport.deliver({ ...delivery, topic }, signal)).resolves.toMatchObject({ kind: 'rejected' });
    },
  );

  it('is not sent once the worker stops', async () => {
    add('1');
    await expect(transport.deliver(delivery, AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
  });
});

describe('the sockets of a node', () => {
  const step = fc.record({ isAdding: fc.boolean(), user: fc.integer({ min: 1, max: 3 }), which: fc.nat(5) });

  it('are those that were added and not removed, in any order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        sockets = new LocalSockets();
        const held: LocalSocket[] = [];
        for (const [index, { isAdding, user, which }] of steps.entries()) {
          if (isAdding) held.push(add(`${index}`, { user }));
          else held.splice(which, 1).forEach((socket) => sockets.remove(socket));
        }
        expect([...sockets]).toHaveLength(held.length);
        expect(sockets.size).toBe(held.length);
        for (const user of [1, 2, 3]) {
          const own = held.filter(({ options }) => options.user === user).map(({ options }) => options.connection);
          expect(addressed({ user })).toEqual(own);
        }
      }),
    );
  });
});

it('destroys the connection of a client for which more than a MiB waits before its CONNECT', async () => {
  const tcp = new TcpSocket();
  const backlog = new Backlog(tcp);
  const socket = add('1', {}, backlog);
  const written = () => new Promise((resolve) => setImmediate(resolve));
  const large = { ...delivery, payload: { text: 'x'.repeat(maxBacklogBytes / 4) } };
  for (let sent = 0; sent < 3; sent++) socket.send(large);
  await written();
  expect(backlog.isExceeded).toBe(false);
  socket.send(large);
  await written();
  expect(backlog.isExceeded).toBe(true);
});
