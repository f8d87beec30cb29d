import { ConfigCascade } from '@pns/config-cascade';
import type { TransportName } from '@pns/transport-contract';
import { deliveriesOf, type Audience, type Rules } from './addressing';

const window = {
  mode: 'collect' as const,
  notification: {
    v: 1 as const,
    id: 'n1',
    context: 1,
    user: 14,
    topic: 'ox:mail:new',
    payload: { folder: 'default0/INBOX' },
    sourceToken: 'device-a',
    priority: 'high' as const,
    timestamp: 1000,
  },
  count: 3,
  dueAt: 2000,
};

const subscription = {
  id: 's1',
  context: 1,
  user: 14,
  client: 'hook',
  transport: 'webhook' as const,
  token: 'https://example.com/hook',
  topics: ['ox:mail:*'],
  isShared: true,
  createdAt: 0,
  updatedAt: 0,
  email1: 'john@example.com',
  hasMeta: false,
};

const sockets = { node: 'node-1', client: 'open-xchange-appsuite', connections: ['device-b'], lookedAt: 1 };

const hooks = { 'com.openexchange.webhooks.enabledIds': 'hook' };

function rules(properties: Record<string, string> = {}, suppressed: TransportName[] = []): Rules {
  return {
    cascade: new ConfigCascade({ name: 'server', values: new Map(Object.entries({ ...hooks, ...properties })) }),
    normalToken: (transport, token) => (transport === 'apns' ? token.toLowerCase() : token),
    socketWants: (_, topic) => topic.startsWith('ox:'),
    suppressed: ({ transport }) => suppressed.push(transport),
    now: 5000,
  };
}

const targets = (audience: Partial<Audience>, properties?: Record<string, string>) =>
  deliveriesOf(window, { subscriptions: [], sockets: [], ...audience }, rules(properties)).map(({ token }) => token);

describe('deliveriesOf', () => {
  it.each(['pigeon', 'constructor'])(
    'leaves out a subscription of the unknown transport %s, not the others',
    (name) => {
      const unknown = { ...subscription, id: 's0', transport: name as TransportName, token: 'elsewhere' };
      expect(targets({ subscriptions: [unknown, subscription], sockets: [sockets] })).toEqual([
        subscription.token,
        'node-1',
      ]);
    },
  );

  it('makes one delivery for a subscription that wants the topic', () => {
    const [delivery] = deliveriesOf(window, { subscriptions: [subscription], sockets: [] }, rules());
    expect(delivery).toEqual({
      id: delivery?.id,
      notificationId: 'n1',
      subscriptionId: 's1',
      context: 1,
      user: 14,
      client: 'hook',
      transport: 'webhook',
      token: 'https://example.com/hook',
      topic: 'ox:mail:new',
      payload: { folder: 'default0/INBOX' },
      sourceToken: 'device-a',
      priority: 'high',
      count: 3,
      timestamp: 1000,
      dueAt: 2000,
      email1: 'john@example.com',
      attempt: 1,
    });
  });

  it.each([
    ['webhook', true],
    ['apns', undefined],
  ] as const)('has hasMeta for the transport %s: %s', (transport, hasMeta) => {
    const audience = { subscriptions: [{ ...subscription, transport, hasMeta: true }], sockets: [] };
    const on = { 'com.openexchange.pns.transport.apn.ios.enabled': 'true' };
    expect(deliveriesOf(window, audience, rules(on)).map((delivery) => delivery.hasMeta)).toEqual([hasMeta]);
  });

  it.each([
    ['latest', undefined, 'ox:mail:new'],
    ['latest', 'inbox', 'ox:mail:new inbox'],
    ['collect', 'inbox', undefined],
    ['equal', 'inbox', undefined],
  ] as const)('of mode %s with the key %s has the collapse key %s', (mode, aggregationKey, collapseKey) => {
    const notification = { ...window.notification, ...(aggregationKey && { aggregationKey }) };
    const audience = { subscriptions: [subscription], sockets: [] };
    expect(deliveriesOf({ ...window, notification, mode }, audience, rules())[0]?.collapseKey).toBe(collapseKey);
  });

  it.each(['equal', 'latest'] as const)('does not count joined notifications in the mode %s', (mode) => {
    const [delivery] = deliveriesOf({ ...window, mode }, { subscriptions: [subscription], sockets: [] }, rules());
    expect(delivery?.count).toBe(1);
  });

  it('gives each delivery the trace of its notification', () => {
    const trace = { traceparent: '00-a-b-01', tracestate: 'c=1' };
    const notification = { ...window.notification, ...trace };
    const audience = { subscriptions: [subscription], sockets: [sockets] };
    expect(deliveriesOf({ ...window, notification }, audience, rules())).toMatchObject([trace, trace]);
  });

  it('makes one delivery for each node with sockets', () => {
    const audience = { sockets: [sockets, { ...sockets, node: 'node-2' }] };
    expect(targets(audience)).toEqual(['node-1', 'node-2']);
  });

  it.each<[string, Partial<Audience>, Record<string, string>, TransportName[]]>([
    ['another topic', { subscriptions: [{ ...subscription, topics: ['ox:calendar:*'] }] }, {}, []],
    ['an expired subscription', { subscriptions: [{ ...subscription, expiresAt: 4999 }] }, {}, []],
    ['the token that caused it', { subscriptions: [{ ...subscription, token: 'device-a' }] }, {}, ['webhook']],
    [
      'the token that caused it, spelled in another way',
      { subscriptions: [{ ...subscription, transport: 'apns', token: 'DEVICE-a' }] },
      { 'com.openexchange.pns.transport.apn.ios.enabled': 'true' },
      ['apns'],
    ],
    ['the socket that caused it', { sockets: [{ ...sockets, connections: ['device-a'] }] }, {}, ['websocket']],
    ['a transport that is off by default', { subscriptions: [{ ...subscription, transport: 'apns' }] }, {}, ['apns']],
    [
      'a transport that is switched off',
      { subscriptions: [subscription] },
      { 'com.openexchange.pns.transport.webhooks.enabled': 'false' },
      ['webhook'],
    ],
    [
      'a webhook that is not enabled any more',
      { subscriptions: [subscription] },
      { 'com.openexchange.webhooks.enabledIds': 'other' },
      ['webhook'],
    ],
    [
      'a client that is switched off',
      { sockets: [sockets] },
      { 'com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite': 'false' },
      ['websocket'],
    ],
  ])('sends nothing to %s, and counts it as suppressed if it wants the topic', (_, audience, properties, expected) => {
    const suppressed: TransportName[] = [];
    const everybody = { subscriptions: [], sockets: [], ...audience };
    expect(deliveriesOf(window, everybody, rules(properties, suppressed))).toEqual([]);
    expect(suppressed).toEqual(expected);
  });

  it('sends to a token that equals the source token only by the rules of another transport', () => {
    expect(targets({ subscriptions: [{ ...subscription, token: 'DEVICE-a' }] })).toEqual(['DEVICE-a']);
  });

  it('sends nothing to a socket whose client does not want the topic', () => {
    const suppressed: TransportName[] = [];
    const notification = { ...window.notification, topic: 'order' };
    const sources = { ...sockets, connections: ['device-a'] };
    deliveriesOf({ ...window, notification }, { subscriptions: [], sockets: [sources] }, rules({}, suppressed));
    expect(suppressed).toEqual([]);
  });

  it('reaches the other sockets of a node that has the source socket', () => {
    expect(targets({ sockets: [{ ...sockets, connections: ['device-a', 'device-b'] }] })).toEqual(['node-1']);
  });

  it('gives a delivery the same id each time, and a different id to each target', () => {
    const audience = { subscriptions: [subscription, { ...subscription, id: 's2' }], sockets: [sockets] };
    const ids = () => deliveriesOf(window, audience, rules()).map(({ id }) => id);
    expect(ids()).toEqual(ids());
    expect(new Set(ids()).size).toBe(3);
  });

  it('gives the deliveries of two producers with one id different ids', () => {
    const ids = ['/mail', '/tickets', undefined].map((producer) => {
      const notification = { ...window.notification, ...(producer === undefined ? {} : { producer }) };
      return deliveriesOf({ ...window, notification }, { subscriptions: [subscription], sockets: [] }, rules())[0]?.id;
    });
    expect(new Set(ids).size).toBe(3);
  });

  it('gives the deliveries to several users with one id of a producer different ids, even at sockets of one node', () => {
    const idsFor = (user: number) => {
      const notification = { ...window.notification, user };
      return deliveriesOf({ ...window, notification }, { subscriptions: [], sockets: [sockets] }, rules()).map(
        ({ id }) => id,
      );
    };
    expect(idsFor(15)).toHaveLength(1);
    expect(idsFor(15)).not.toEqual(idsFor(16));
  });
});
