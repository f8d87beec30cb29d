import { parseProperties } from '@pns/config-folder';
import { ConfigCascade } from './config-cascade';
import type { Place, Scope, ScopeName } from './resolve';
import { decide } from './transport-switch';

const base = 'com.openexchange.pns.transport.websocket.enabled';
const someone = { context: 1, user: 14 };
const valuesIn = (text: string) =>
  new Map(parseProperties(text.split('\n')).assignments.map((each) => [each.name, each.text]));
const cascadeOf = (text: string) => new ConfigCascade({ name: 'server', values: valuesIn(text) });

describe('ConfigCascade', () => {
  it('returns the default with its origin', () => {
    expect(cascadeOf('').resolve('com.openexchange.pns.delayDuration', someone)).toEqual({
      value: 1000,
      origin: { scope: 'default' },
    });
  });

  it('returns the value of a file, with its type', () => {
    const cascade = cascadeOf('com.openexchange.pns.delayDuration=0\ncom.openexchange.webhooks.enabledIds=a, b');
    expect(cascade.resolve('com.openexchange.pns.delayDuration')).toEqual({ value: 0, origin: { scope: 'server' } });
    expect(cascade.resolve('com.openexchange.webhooks.enabledIds').value).toEqual(['a', 'b']);
  });

  it('finds the aggregation of a topic before the general one', () => {
    const cascade = cascadeOf(
      'com.openexchange.pns.aggregation=latest\ncom.openexchange.pns.aggregation.ox:mail:new=collect',
    );
    expect(cascade.aggregationMode('ox:mail:new', someone)).toBe('collect');
    expect(cascade.aggregationMode('ox:calendar:updates', someone)).toBe('latest');
  });

  it('joins the events of a mail folder, unless a property says otherwise', () => {
    const modesOf = (text: string) =>
      ['ox:mail:read', 'ox:mail:new'].map((topic) => cascadeOf(text).aggregationMode(topic, someone));
    expect(modesOf('')).toEqual(['collect', 'equal']);
    expect(modesOf('com.openexchange.pns.aggregation=latest')).toEqual(['latest', 'latest']);
    expect(modesOf('com.openexchange.pns.aggregation.ox:mail:read=equal')).toEqual(['equal', 'equal']);
  });

  it('finds the history of a topic before the general one, and its retention is not the history of a topic', () => {
    const cascade = cascadeOf(
      'com.openexchange.pns.history=failures\ncom.openexchange.pns.history.a:b=none\ncom.openexchange.pns.history.retention=7200000',
    );
    const modes = ['a:b', 'c', 'retention'].map((topic) => cascade.historyMode(topic, someone));
    expect(modes).toEqual(['none', 'failures', 'failures']);
  });

  it('calls its listeners after a change', () => {
    const cascade = cascadeOf('');
    const seen: number[] = [];
    cascade.onChange(() => seen.push(cascade.resolve('com.openexchange.pns.delayDuration').value));
    cascade.replaceServerScope({ name: 'server', values: new Map([['com.openexchange.pns.delayDuration', '5']]) });
    expect(seen).toEqual([5]);
  });

  it.each([
    ['on by default', '', true],
    ['the switch itself', `${base}=false`, false],
    ['topic over switch', `${base}=false\n${base}.ox:mail:new=true`, true],
    ['client over topic', `${base}.ox:mail:new=true\n${base}.ui=false`, false],
    ['client and topic over client', `${base}.ui=false\n${base}.ui.ox:mail:new=true`, true],
    ['another topic says nothing', `${base}.ui.ox:calendar:new=false`, true],
    ['what cannot be read denies', `${base}=perhaps`, false],
  ])('websocket to client ui: %s', (_, text, expected) => {
    expect(cascadeOf(text).isEnabled('websocket', { ...someone, client: 'ui', topic: 'ox:mail:new' })).toBe(expected);
  });

  it.each(['apns', 'fcm', 'wns'] as const)('%s is off by default', (transport) => {
    expect(cascadeOf('').isEnabled(transport, { ...someone, client: 'phone', topic: 'ox:mail:new' })).toBe(false);
  });

  it('webpush is on by default, because it needs no account', () => {
    expect(cascadeOf('').isEnabled('webpush', { ...someone, client: 'web', topic: 'ox:mail:new' })).toBe(true);
  });
});

describe('a webhook', () => {
  const enabledIds = 'com.openexchange.webhooks.enabledIds';
  const switchName = 'com.openexchange.pns.transport.webhooks.enabled';
  const order = { client: 'crm', topic: 'order' };
  const scope = (name: ScopeName, text: string, more: Partial<Scope> = {}): Scope => ({
    ...{ name, values: valuesIn(text) },
    ...more,
  });

  it.each<[string, Scope[], boolean]>([
    ['nobody lists', [], false],
    ['the server lists', [scope('server', `${enabledIds}=shop, crm`)], true],
    ['an empty list leaves out', [scope('server', `${enabledIds}=`)], false],
    ['is only like one that is listed', [scope('server', `${enabledIds}=crm2`)], false],
    [
      'the user lists and the server does not',
      [scope('user', `${enabledIds}=crm`), scope('server', `${enabledIds}=shop`)],
      true,
    ],
    [
      'the server lists and the user does not',
      [scope('user', `${enabledIds}=shop`), scope('server', `${enabledIds}=crm`)],
      false,
    ],
    [
      'the server lists for good',
      [
        scope('user', `${enabledIds}=shop`),
        scope('server', `${enabledIds}=crm`, { finals: new Map([[enabledIds, 'server']]) }),
      ],
      true,
    ],
    ['is listed and switched off', [scope('server', `${enabledIds}=crm\n${switchName}.crm=false`)], false],
    ['is switched on and not listed', [scope('server', `${enabledIds}=shop\n${switchName}.crm=true`)], false],
    ['is in a list too long to read', [scope('server', `${enabledIds}=crm${', x'.repeat(10_000)}`)], false],
  ])('that %s', (_, cascade, isEnabled) => {
    expect(decide(cascade, 'webhook', order)).toMatchObject({ isEnabled });
  });

  it('that is not listed is off because of the list, and no other place was read', () => {
    const places: Place[] = [];
    const origin = { scope: 'server' };
    const cascade = [scope('user', `${switchName}=true`), scope('server', `${enabledIds}=shop`)];
    expect(decide(cascade, 'webhook', order, places)).toEqual({
      ...{ isEnabled: false, name: enabledIds, origin, unlisted: 'crm' },
    });
    expect(places).toEqual([
      { name: enabledIds, origin: { scope: 'user' }, isOverruled: false },
      { name: enabledIds, origin, text: 'shop', isOverruled: false },
    ]);
  });

  it('that is removed from the list is off at once', () => {
    const cascade = cascadeOf(`${enabledIds}=crm`);
    expect(cascade.isEnabled('webhook', { ...someone, ...order })).toBe(true);
    cascade.replaceServerScope({ name: 'server', values: new Map([[enabledIds, 'shop']]) });
    expect(cascade.isEnabled('webhook', { ...someone, ...order })).toBe(false);
  });

  it('is the only transport that must be on a list', () => {
    expect(cascadeOf(`${enabledIds}=crm`).isEnabled('websocket', { ...someone, client: 'ui', topic: 'order' })).toBe(
      true,
    );
  });
});

describe('the appearance of a push', () => {
  const base = 'com.openexchange.pns.template';
  const apns = 'com.openexchange.pns.mobile.api.facade.apn';
  const styleOf = (values: Readonly<Record<string, string>>) =>
    new ConfigCascade({ name: 'server', values: new Map(Object.entries(values)) }).pushStyle({
      context: 1,
      user: 14,
      client: 'ops.app',
      topic: 'ops:alert',
    });

  it('has no configured texts, a badge and the default sound by default', () => {
    expect(styleOf({})).toEqual({ title: '', body: '', hasBadge: true, sound: 'default' });
    expect(styleOf({ [`${apns}.badge.enabled`]: 'false', [`${apns}.sound.enabled`]: 'false' })).toEqual({
      title: '',
      body: '',
      hasBadge: false,
    });
  });

  it.each(['.ops.app.ops:alert', '.ops.app', '.ops:alert', ''])('reads templates with the suffix "%s"', (suffix) => {
    const values = { [`${base}.title${suffix}`]: '{{host}}', [`${base}.data${suffix}`]: 'host, state' };
    expect(styleOf(values)).toMatchObject({ title: '{{host}}', dataFields: ['host', 'state'] });
    const navigate = 'https://ops.example.com/#{{host}}';
    expect(styleOf({ [`${base}.navigate${suffix}`]: navigate })).toMatchObject({ navigate });
  });

  it('lets the more specific template decide', () => {
    const values = { [`${base}.body.ops.app`]: 'client', [`${base}.body.ops:alert`]: 'topic', [`${base}.body`]: 'any' };
    expect(styleOf(values).body).toBe('client');
  });
});

describe('a transport for a pattern of topics', () => {
  const base = 'com.openexchange.pns.transport.apn.ios.enabled';
  const cascadeOf = (values: Record<string, string>) =>
    new ConfigCascade({ name: 'server', values: new Map(Object.entries(values)) });

  it.each<[values: Record<string, string>, pattern: string, isEnabled: boolean]>([
    [{}, '*', false],
    [{ [base]: 'true' }, '*', true],
    [{ [base]: 'true', [`${base}.my.app`]: 'false' }, 'ox:mail:*', false],
    [{ [`${base}.my.app`]: 'true' }, 'ox:mail:new', true],
    [{ [`${base}.other`]: 'true' }, '*', false],
    [{ [`${base}.ox:mail:new`]: 'true' }, 'ox:mail:new', true],
    [{ [`${base}.ox:mail:new`]: 'true' }, 'ox:mail:*', true],
    [{ [`${base}.ox:mail:new`]: 'true' }, '*', true],
    [{ [`${base}.ox:mail:new`]: 'true' }, 'ox:calendar:*', false],
    [{ [`${base}.my.app.ox:mail:new`]: 'true' }, 'ox:*', true],
    [{ [`${base}.my.app.order`]: 'true' }, '*', true],
    [{ [`${base}.other.ox:mail:new`]: 'true' }, 'ox:*', false],
    [{ [`${base}.ox:mail:new`]: 'true', [`${base}.my.app`]: 'false' }, 'ox:*', false],
    [{ [base]: 'true', [`${base}.ox:mail:new`]: 'false' }, 'ox:mail:new', false],
    [{ [base]: 'true', [`${base}.ox:mail:new`]: 'false' }, 'ox:mail:*', true],
    [{ [base]: 'maybe' }, '*', false],
  ])('%j: %s is %s', (values, pattern, isEnabled) => {
    const subject = { context: 1, user: 14, client: 'my.app', pattern };
    expect(cascadeOf(values).isEnabledForSome('apns', subject)).toBe(isEnabled);
  });
});
