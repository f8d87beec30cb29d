import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withEnoughTime } from '@pns/local-servers/waiting';
import { NameServer, type Zone } from './testing/name-server';
import { type LookUpParts, nameServerLookUp } from './name-lookup';

let folder: string;
let server: NameServer;
const zones = new Map<string, Zone>();
const many = Array.from({ length: 250 }, (_, at) => `192.0.2.${at}`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pns-names-'));
  server = await NameServer.start((name) => zones.get(name));
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  zones.clear();
  server.asked.length = 0;
});

/** A look-up with the test's own files. */
function lookUpWith(hosts = '', resolver = '', parts: LookUpParts = {}): ReturnType<typeof nameServerLookUp> {
  const [hostsFile, resolverFile] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  writeFileSync(hostsFile, hosts);
  writeFileSync(resolverFile, resolver);
  return nameServerLookUp({ hostsFile, resolverFile, servers: [server.address], ...parts });
}

const four = (address: string) => ({ address, family: 4 });
const six = (address: string) => ({ address, family: 6 });

it('uses the hosts file first, and loopback for localhost, without a name server', async () => {
  const lookUp = lookUpWith('10.0.0.5 crm.example crm\n2001:db8::5 crm.example\n');
  expect((await lookUp('CRM.example')).addresses).toEqual([four('10.0.0.5'), six('2001:db8::5')]);
  expect((await lookUp('crm')).addresses).toEqual([four('10.0.0.5')]);
  for (const name of ['localhost', 'x.localhost', 'localhost.']) {
    expect((await lookUp(name)).addresses).toEqual([four('127.0.0.1'), six('::1')]);
  }
  expect(server.asked).toEqual([]);
});

it('returns both families, IPv4 first, and their time to live', async () => {
  zones.set('both.example', { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'], ttl: 7 });
  const found = await lookUpWith()('both.example');
  expect(found).toEqual({ addresses: [four('192.0.2.1'), four('192.0.2.2'), six('2001:db8::1')], holdsMs: 7000 });
});

it.each([
  [0, 1000],
  [86_400, 30_000],
])('limits the time to live of %d s', async (ttl, holdsMs) => {
  zones.set('a.example', { a: ['192.0.2.1'], ttl });
  expect(await lookUpWith()('a.example')).toMatchObject({ holdsMs });
});

it.each<[string, Zone]>([
  ['has no IPv6 address', { a: ['192.0.2.1'] }],
  ['has a server that never answers for IPv6', { a: ['192.0.2.1'], answers: 'never', family: 6 }],
  ['has a server that fails for IPv6', { a: ['192.0.2.1'], answers: 'servfail', family: 6 }],
])('finds a name that %s', async (_, zone) => {
  zones.set('four.example', zone);
  expect((await lookUpWith()('four.example')).addresses).toEqual([four('192.0.2.1')]);
});

it('finds a name that has IPv6 addresses only', async () => {
  zones.set('six.example', { aaaa: ['2001:db8::1'] });
  expect((await lookUpWith()('six.example')).addresses).toEqual([six('2001:db8::1')]);
});

it('follows a chain of aliases, and ends if it is a circle', async () => {
  for (let at = 0; at < 10; at++) zones.set(`c${at}.example`, { cname: `c${at + 1}.example` });
  zones.set('c10.example', { a: ['192.0.2.1'] });
  zones.set('circle.example', { cname: 'circle.example' });
  expect((await lookUpWith()('c0.example')).addresses).toEqual([four('192.0.2.1')]);
  await expect(lookUpWith()('circle.example')).rejects.toThrow('could not be looked up');
});

it('uses sixteen of many addresses, which arrive over TCP', async () => {
  zones.set('many.example', { a: many, answers: 'over TCP only' });
  expect((await lookUpWith()('many.example')).addresses).toEqual(many.slice(0, 16).map(four));
});

it.each<[string, Zone | undefined, string]>([
  ['does not exist', undefined, 'ENOTFOUND'],
  ['has no address', {}, 'ENODATA'],
  ['has a server that fails', { answers: 'servfail' }, 'ESERVFAIL'],
  ['has a server that refuses', { answers: 'refused' }, 'EREFUSED'],
  ['has a server that is silent', { answers: 'never' }, 'ETIMEOUT'],
  ['has a server that answers with nonsense', { answers: 'nonsense' }, 'EBADRESP'],
  ['has no IPv4 address, and a server that is silent for IPv6', { answers: 'never', family: 6 }, 'ETIMEOUT'],
])('fails with a code for a name that %s', async (_, zone, code) => {
  if (zone !== undefined) zones.set('bad.example', zone);
  const giveUpMs = code === 'ETIMEOUT' ? 300 : 25_000;
  await expect(lookUpWith('', '', { giveUpMs })('bad.example')).rejects.toMatchObject({ code });
});

it('ignores an answer that arrives after the time-out', async () => {
  zones.set('late.example', { a: ['192.0.2.1'], answers: 'when released' });
  await expect(lookUpWith('', '', { giveUpMs: 300 })('late.example')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  server.release();
  zones.set('late.example', { a: ['192.0.2.2'] });
  expect((await lookUpWith()('late.example')).addresses).toEqual([four('192.0.2.2')]);
});

it('completes names by the search list, as getaddrinfo does', async () => {
  zones.set('crm.prod.cluster.local', { a: ['192.0.2.7'] });
  const lookUp = lookUpWith('', 'search ns.cluster.local prod.cluster.local\noptions ndots:5\n');
  expect((await lookUp('crm')).addresses).toEqual([four('192.0.2.7')]);
  await expect(lookUp('crm.')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect([...new Set(server.asked.map((each) => each.split(' ')[0]))]).toEqual([
    'crm.ns.cluster.local',
    'crm.prod.cluster.local',
    'crm',
  ]);
});

it('does not continue with the search list if a server does not answer', async () => {
  zones.set('crm.a.example', { answers: 'never' });
  zones.set('crm.b.example', { a: ['192.0.2.7'] });
  const lookUp = lookUpWith('', 'search a.example b.example\n', { giveUpMs: 300 });
  await expect(lookUp('crm')).rejects.toMatchObject({ code: 'ETIMEOUT' });
});

it('two hundred names without an answer do not delay other look-ups', () =>
  withEnoughTime(async (giveUpMs) => {
    zones.set('good.example', { a: ['192.0.2.9'] });
    const lookUp = lookUpWith('', '', { giveUpMs });
    const silent = Array.from({ length: 200 }, (_, at) => {
      zones.set(`s${at}.example`, { answers: 'never' });
      return lookUp(`s${at}.example`).catch((error: { code: string }) => error.code);
    });
    const areAsked = server.until((asked) => asked.filter((each) => /^s\d/.test(each)).length >= 400);
    await Promise.race([areAsked, Promise.all(silent)]);
    expect((await lookUp('good.example')).addresses).toEqual([four('192.0.2.9')]);
    expect(await Promise.race([...silent, Promise.resolve('all still wait')])).toBe('all still wait');
    expect(new Set(await Promise.all(silent))).toEqual(new Set(['ETIMEOUT']));
  }));
