import fc from 'fast-check';
import {
  clientAt,
  clientWants,
  defaultWebsocketClients,
  pathConflicts,
  websocketClientsSchema,
} from './websocket.options';

const appSuite = 'open-xchange-appsuite';
const nested = {
  wide: { path: '/socket.io', topics: ['*'] },
  narrow: { path: '/socket.io/narrow/', topics: ['ox:mail:*', 'a_b'] },
};

describe('the client of a path', () => {
  it.each([
    ['/socket.io/appsuite/', appSuite],
    ['/socket.io/appsuite', appSuite],
    ['/socket.io/appsuite/below/it', appSuite],
    ['/socket.io/appsuites/', undefined],
    ['/socket.io/', undefined],
    ['/', undefined],
    ['', undefined],
    ['/SOCKET.IO/APPSUITE/', undefined],
    ['/socket.io//appsuite/', undefined],
  ])('of %j is %j', (path, client) => expect(clientAt(defaultWebsocketClients, path)).toBe(client));

  it.each([
    ['/socket.io/narrow/', 'narrow'],
    ['/socket.io/narrower/', 'wide'],
    ['/socket.io/', 'wide'],
  ])('of %j is the one with the longest path above it', (path, client) => expect(clientAt(nested, path)).toBe(client));

  const segment = fc.stringMatching(/^[a-c]{1,2}$/);
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);

  it('agrees with a simple implementation of the rule, with any slashes at the end', () => {
    const slash = fc.constantFrom('', '/');
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 6 }), path, slash, slash, (paths, asked, own, end) => {
        const clients = Object.fromEntries(paths.map((one) => [one.slice(1), { path: one + own, topics: ['*'] }]));
        const above = paths.filter((one) => asked === one || asked.startsWith(`${one}/`));
        const longest = above.sort((a, b) => b.length - a.length)[0];
        expect(clientAt(clients, asked + end)).toBe(longest?.slice(1));
      }),
    );
  });
});

describe('the topics of a client', () => {
  it.each([
    [appSuite, 'ox:mail:new', true],
    [appSuite, 'ox:calendar:updates', true],
    [appSuite, 'ox:contacts:new', false],
    [appSuite, 'ox:mail', false],
    ['another', 'ox:mail:new', false],
    ['constructor', 'ox:mail:new', false],
  ])('%s receives %s: %s', (client, topic, expected) =>
    expect(clientWants(defaultWebsocketClients, client, topic)).toBe(expected),
  );

  it('are those of the client alone', () => {
    const token = fc.stringMatching(/^[ab_]{1,2}$/);
    const topic = fc.array(token, { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join(':'));
    fc.assert(
      fc.property(topic, fc.array(topic, { minLength: 1, maxLength: 4 }), (asked, prefixes) => {
        const clients = {
          one: { path: '/one', topics: prefixes.map((prefix) => `${prefix}:*`) },
          all: { path: '/all', topics: ['*'] },
        };
        expect(clientWants(clients, 'one', asked)).toBe(prefixes.some((prefix) => asked.startsWith(`${prefix}:`)));
        expect(clientWants(clients, 'all', asked)).toBe(true);
      }),
    );
  });
});

describe('websocket-clients.yml', () => {
  it.each([
    ['a path that is relative', { mine: { path: 'mine', topics: ['*'] } }],
    ['a path with a query', { mine: { path: '/mine?x=1', topics: ['*'] } }],
    ['the root as a path', { mine: { path: '/', topics: ['*'] } }],
    ['an empty segment', { mine: { path: '/a//b', topics: ['*'] } }],
    ['a bad pattern', { mine: { path: '/mine', topics: ['ox:*:new'] } }],
    ['no topics', { mine: { path: '/mine', topics: [] } }],
    ['a bad client id', { 'my client': { path: '/mine', topics: ['*'] } }],
    ['an unknown field', { mine: { path: '/mine', topics: ['*'], topic: '*' } }],
  ])('refuses %s', (_, content) => expect(websocketClientsSchema.safeParse(content).success).toBe(false));

  it('gives a path to the first client that names it', () => {
    const at = (path: string) => ({ path, topics: ['*'] });
    const clients = new Map(
      [...['/mine', '/other', '/mine/'].entries()].map(([index, path]) => [`c${index}`, at(path)]),
    );
    expect([...pathConflicts(clients)]).toEqual([['c2', 'path is the path of c0 already']]);
  });
});
