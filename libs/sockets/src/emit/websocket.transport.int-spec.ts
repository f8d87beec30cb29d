import { log } from '@pns/runtime';
import { describeSending } from '@pns/transport-contract/testing';
import { LocalSockets } from './local-sockets';
import { WebsocketTransport } from './websocket.transport';
import { ParkedTransport } from '../mailbox/parked.transport';
import { TestNodes, type TestNode } from '../testing/nodes';

log.level = 'silent';

let nodes: TestNodes;
let node: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  node = await nodes.start();
});
afterAll(() => nodes.stop());

/** The event that a client receives if it asks for the id, time and count too. */
type Frame = readonly [topic: string, payload: object, meta: { readonly id: string }];

// A client sends no answer to an event, so the delivery is done when the event is emitted. Therefore there is no wait to abort
// and no error of a provider (throttled, gone, too large). There are no credentials either, because a session belongs to the
// client and ends with its socket.
describeSending('websocket', async () => {
  nodes.nextUser();
  const socket = await nodes.connect(node, 'one', { query: { meta: '1' } });
  const part = <Part>(token: abstract new (...args: never[]) => Part) => node.app.get<Part>(token, { strict: false });
  const parked = part(ParkedTransport);
  const transport = new WebsocketTransport(part(LocalSockets), (delivery, namedOnly) =>
    parked.forward(delivery, namedOnly),
  );
  return {
    transport,
    delivery: nodes.delivery(node.id),
    arrivedIds: async () => {
      const ids = () => (socket.frames as unknown as readonly Frame[]).map(([, , { id }]) => id);
      const last = { ...nodes.delivery(node.id), notificationId: 'the last one' }; // accepted after the others
      await transport.deliver(last, new AbortController().signal);
      await socket.until(() => ids().includes(last.notificationId)); // by then all earlier events have arrived
      return ids().filter((id) => id !== last.notificationId);
    },
    close: () => socket.close(),
  };
});
