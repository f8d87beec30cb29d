import { ConfigCascade } from '@pns/config-cascade';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import { TestNodes, type TestNode } from '../testing/nodes';
import { clientFrame, opcodes, RawClient } from '../testing/raw-client';

log.level = 'silent';

let nodes: TestNodes;
let node: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  node = await nodes.start();
});
beforeEach(() => nodes.nextUser());
afterEach(() => nodes.closeClients());
afterAll(() => nodes.stop());

const { text, binary, continuation, ping, pong } = opcodes;

/** A socket of the user that has sent its CONNECT. */
async function connected(query = 'EIO=4&connection=flood'): Promise<RawClient> {
  const client = await RawClient.open(node.url, `session=${await nodes.token()}&${query}`);
  if (query.includes('EIO=4')) await client.connected();
  else await client.packets(2);
  return client;
}

/** The value of a counter of the node. */
async function counter(name: string): Promise<number> {
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  return Number(
    metrics
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );
}

/** Checks that a socket of another user still receives all events during the flood. */
async function othersAreServed(): Promise<void> {
  nodes.nextUser();
  const other = await nodes.connect(node, '1');
  await nodes.dispatch();
  await other.got(1);
}

describe('a client that never reads, and sends', () => {
  const flood = 'pns_sockets_cut_total{reason="flood"}';

  it.each<[string, string, (round: number) => Buffer]>([
    ['pings of 125 bytes', 'EIO=4', () => clientFrame(ping, 'x'.repeat(125))],
    ['empty pings', 'EIO=4', () => clientFrame(ping)],
    ['pongs that nobody asked for', 'EIO=4', () => clientFrame(pong, 'x')],
    ['pings of Engine.IO 3', 'EIO=3', () => clientFrame(text, '2')],
    ['CONNECTs to namespaces that do not exist', 'EIO=4', (round) => clientFrame(text, `40/n${round},`)],
    ['events', 'EIO=4', () => clientFrame(text, '42["ox:mail:new",{}]')],
    ['events that want to be acknowledged', 'EIO=4', (round) => clientFrame(text, `42${round}["a"]`)],
    ['messages of 12 KiB', 'EIO=4', () => clientFrame(text, `42["a","${'x'.repeat(12_000)}"]`)],
  ])('%s is closed, and the others are served', async (_, query, frame) => {
    const before = await counter(flood);
    const client = await connected(`${query}&connection=flood`);
    client.stopReading();
    for (let round = 0; round < 10_000 && !client.isClosed; round++) await client.write(frame(round));
    client.readAgain();
    // If the client is still sending, its kernel may discard data that arrived before the connection was reset.
    expect([1008, undefined]).toContain(await client.closeCode());
    expect(await counter(flood)).toBe(before + 1);
    await nodes.untilOpen(0);
    await othersAreServed();
  });

  it.each([
    ['CONNECTs after its CONNECT', '40', '40'],
    ['events without their attachments', '4550-["a"]', '4550-["a"]'],
    ['text that is not a packet', 'x', 'x'],
    ['events after its DISCONNECT', '41', '42["a"]'],
  ])('%s is limited while its socket is closing', async (_, first, others) => {
    const before = await counter(flood);
    const client = await connected();
    // The first frame closes the socket. The other frames arrive together with it.
    const frames = [first, ...Array<string>(100).fill(others)].map((frame) => clientFrame(text, frame));
    await client.write(Buffer.concat(frames));
    await client.closed();
    expect(await counter(flood)).toBe(before + 1);
    await nodes.untilOpen(0);
    await othersAreServed();
  });

  it.each<[string, number, Buffer[]]>([
    ['binary data', 1003, [clientFrame(binary, 'x')]],
    [
      'a binary event and its attachment',
      1003,
      [clientFrame(text, '451-["a",{"_placeholder":true,"num":0}]'), clientFrame(binary, 'x')],
    ],
    ['a message of more than 16 KiB', 1009, [clientFrame(text, 'x'.repeat(17_000))]],
    [
      'a message in a hundred parts',
      1008,
      [clientFrame(text, 'x', 0), ...Array.from({ length: 100 }, () => clientFrame(continuation, 'x', 0))],
    ],
    [
      'empty parts',
      1008,
      [clientFrame(text, '', 0), ...Array.from({ length: 100 }, () => clientFrame(continuation, '', 0))],
    ],
    ['compressed data, which was not agreed upon', 1002, [clientFrame(text, 'x', 0xc0)]],
    ['text that is not Unicode', 1007, [clientFrame(text, Buffer.of(0xff))]],
    ['text that is not a packet of Engine.IO', 1005, [clientFrame(text, 'x')]],
    ['text that is not a packet of Socket.IO', 1005, [clientFrame(text, '4x')]],
  ])('%s is closed with a code', async (_, code, frames) => {
    const client = await connected();
    await client.write(Buffer.concat(frames));
    await expect(client.closeCode()).resolves.toBe(code);
    await othersAreServed();
  });

  it('is never offered compression', async () => {
    const client = await RawClient.open(
      node.url,
      'EIO=4',
      undefined,
      undefined,
      'Sec-WebSocket-Extensions: permessage-deflate\r\n',
    );
    const answer = await client.answer();
    expect(answer).toContain('101 Switching Protocols');
    expect(answer.toLowerCase()).not.toContain('extensions');
    client.close();
  });

  it('more than 16 KiB of headers is answered with 431', async () => {
    const client = await RawClient.open(node.url, 'EIO=4', undefined, undefined, `X-Long: ${'x'.repeat(17_000)}\r\n`);
    await expect(client.answer()).resolves.toContain('431');
  });
});

describe('a client within the limits', () => {
  it.each(['EIO=4', 'EIO=3'])('may send 40 packets of %s at once', async (query) => {
    const client = await connected(`${query}&connection=1`);
    // Like a browser that wakes up: an EIO 3 client pings every 25 s, so these are the pings of 17 minutes.
    for (let sent = 0; sent < 40; sent++) client.send(query === 'EIO=3' ? '2' : '42["ack"]');
    await nodes.dispatch();
    await client.packet((packet) => packet.startsWith('42["ox:mail:new"'));
    expect(client.isClosed).toBe(false);
    client.close();
  });

  it('receives an answer to its pings', async () => {
    const client = await nodes.connect(node, '1');
    await nodes.dispatch();
    await client.got(1);
    const raw = await connected('EIO=4&connection=2');
    await raw.write(clientFrame(ping, 'hello'));
    await raw.pong('hello');
    raw.close();
  });
});

describe('a connection without a session', () => {
  it('is destroyed after ten seconds, whether it sends and reads or not', async () => {
    const valid = await nodes.token();
    const opened = await Promise.all([
      RawClient.connect(node.url), // a client that sends nothing
      RawClient.connect(node.url).then(async (client) => (await client.write(Buffer.from('GET / HTT')), client)),
      RawClient.connect(node.url).then(
        async (client) => (
          await client.write(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')),
          client
        ),
      ),
      RawClient.open(node.url, 'EIO=4'), // a client that never sends its CONNECT, and does not answer the close frame
      RawClient.open(node.url, 'EIO=4').then((client) => (client.stopReading(), client)),
      RawClient.open(node.url, 'EIO=4').then((client) => (client.send('40'), client)), // a client that is refused
      RawClient.open(node.url, `EIO=4&session=${valid}`), // a client that has a session, and never sends its CONNECT
      RawClient.open(node.url, 'EIO=3&session=none').then((client) => (client.stopReading(), client)),
    ]);
    for (const client of opened) client.readAgain();
    await Promise.all(opened.map((client) => client.closed()));
    await nodes.untilOpen(0);
  });

  it('that was authenticated and leaves its namespace is destroyed too', async () => {
    const client = await connected();
    client.send('41');
    await client.closed();
    await nodes.untilOpen(0);
  });
});

describe('connections without a session', () => {
  const bounds = (max: number, perAddress: number) =>
    `com.openexchange.websockets.unauthenticated.max=${max}\ncom.openexchange.websockets.unauthenticated.maxPerAddress=${perAddress}\n`;
  let bounded: TestNode;
  let proxied: TestNode;

  beforeAll(async () => {
    nodes.configure('pns.properties', bounds(6, 4));
    bounded = await nodes.start();
    // The nodes of a process share the configuration folder, and one of them may not have read the change yet.
    const cascade = bounded.app.get(ConfigCascade, { strict: false });
    const isRead = () => cascade.resolve('com.openexchange.websockets.unauthenticated.maxPerAddress').value === 4;
    await eventually('the limits are in effect', isRead);
    proxied = await nodes.start(undefined, undefined, ['127.0.0.0/8', '::1']);
  });

  const idle = (at: TestNode, forwarded?: string) =>
    RawClient.open(
      at.url,
      'EIO=4',
      undefined,
      undefined,
      forwarded === undefined ? '' : `X-Forwarded-For: ${forwarded}\r\n`,
    );
  const refused = (status: number, code: string) => ({
    status,
    headers: expect.stringMatching(/retry-after: \d/) as string,
    body: expect.objectContaining({ code }) as object,
  });

  it('are limited for each address, which X-Forwarded-For does not change unless the proxy is trusted', async () => {
    const held = await Promise.all([1, 2, 3, 4].map((n) => idle(bounded, `10.0.0.${n}`)));
    await Promise.all(held.map((client) => client.packets(1)));
    await expect((await idle(bounded, '10.0.0.5')).refusal()).resolves.toMatchObject(
      refused(429, 'HANDSHAKES_TOO_MANY'),
    );
    held[0]?.close();
    await eventually('a connection is accepted again', async () =>
      (await (await idle(bounded)).answer()).includes(' 101 '),
    );
    for (const client of held) client.close();
  });

  it('do not include connections with a valid session', async () => {
    for (let number = 0; number < 6; number++) await nodes.connect(bounded, `${number}`);
    const late = await nodes
      .open(bounded, { auth: { token: await nodes.token() }, query: { connection: 'late' } })
      .connected();
    expect(late.isConnected).toBe(true);
  });

  it.each([
    ['one address', ['10.0.0.1'], 4],
    ['one address with an untrusted one before it', ['10.9.9.9, 10.0.0.2'], 4],
    ['one address behind two proxies', ['10.0.0.3, 127.0.0.7'], 4],
    ['one network of IPv6', ['2001:db8::1', '2001:db8::2', '2001:db8::ffff:1'], 4],
    ['one address of IPv4 in IPv6', ['::ffff:10.0.0.4', '10.0.0.4'], 4],
  ])('are bounded for each client behind a trusted proxy: %s', async (_, addresses, most) => {
    const clients = [];
    for (let number = 0; number <= most; number++) {
      const client = await idle(proxied, addresses[number % addresses.length]);
      await client.answer();
      clients.push(client);
    }
    await expect(clients.at(-1)?.refusal()).resolves.toMatchObject(refused(429, 'HANDSHAKES_TOO_MANY'));
    for (const client of clients) client.close();
    await Promise.all(clients.map((client) => client.closed()));
  });

  it('are limited in total', async () => {
    const held = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => idle(proxied, `10.1.0.${n}`)));
    await Promise.all(held.map((client) => client.packets(1)));
    await expect((await idle(proxied, '10.1.0.7')).refusal()).resolves.toMatchObject(refused(503, 'OVERLOADED'));
    for (const client of held) client.close();
  });

  it('beyond twice the limit are destroyed at once', async () => {
    const silent = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(bounded.url)));
    await Promise.all(silent.slice(8).map((client) => client.closed()));
    await Promise.all(silent.map((client) => client.closed()));
  });
});
