import { Socket } from 'node:net';
import { log } from '@pns/runtime';
import { TestNodes, type TestNode } from '../testing/nodes';
import { RawClient } from '../testing/raw-client';

log.level = 'silent';

let nodes: TestNodes;
let node: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  node = await nodes.start();
});
afterEach(() => {
  jest.restoreAllMocks();
  nodes.closeClients();
});
afterAll(() => nodes.stop());

/** Returns a list to which each later write is added that begins with the text frame of an event (RFC 6455, 5.2). */
function textFramesWritten(): Buffer[] {
  const frames: Buffer[] = [];
  const write = Reflect.get(Socket.prototype, 'write') as (...args: unknown[]) => boolean;
  jest.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args: unknown[]) {
    const [chunk] = args;
    if (Buffer.isBuffer(chunk) && chunk[0] === 0x81 && chunk.includes('ox:mail:new')) frames.push(chunk);
    return Reflect.apply(write, this, args);
  });
  return frames;
}

it('an event and the ping behind it share one write to the socket', async () => {
  const raw = await RawClient.open(node.url, `session=${await nodes.token()}&connection=1&EIO=4`);
  await raw.connected();
  raw.answerPings();
  const written = textFramesWritten();
  await nodes.dispatch({ payload: { number: 1 } });
  await nodes.quiet();
  await nodes.confirmed(node);
  expect(written).toHaveLength(1);
  const [frame = Buffer.alloc(0)] = written;
  const end = 2 + (frame[1] ?? 0); // a short event: its length is the second byte
  expect([...frame.subarray(end, end + 2)]).toEqual([0x89, 4]); // a ping of four bytes, RFC 6455, 5.5.2
  expect(frame).toHaveLength(end + 6);
  raw.close();
});
