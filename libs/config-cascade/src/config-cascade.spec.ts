import { ConfigCascade } from './config-cascade';
import { parseProperties } from './properties-file';

const base = 'com.openexchange.pns.transport.websocket.enabled';
const someone = { context: 1, user: 14 };
const cascadeOf = (text: string) => new ConfigCascade({ name: 'server', values: parseProperties(text) });

describe('ConfigCascade', () => {
  it('answers the default and says so', () => {
    expect(cascadeOf('').resolve('com.openexchange.pns.delayDuration', someone)).toEqual({
      value: 1000,
      origin: { scope: 'default' },
    });
  });

  it('answers what a file says, with its type', () => {
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

  it('tells its listeners of a change', () => {
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
});

describe('how a push looks', () => {
  const base = 'com.openexchange.pns.template';
  const apns = 'com.openexchange.pns.mobile.api.facade.apn';
  const styleOf = (values: Readonly<Record<string, string>>) =>
    new ConfigCascade({ name: 'server', values: new Map(Object.entries(values)) }).pushStyle({
      context: 1,
      user: 14,
      client: 'ops.app',
      topic: 'ops:alert',
    });

  it('has no texts of its own, a badge and the default sound, unless somebody says otherwise', () => {
    expect(styleOf({})).toEqual({ title: '', body: '', hasBadge: true, sound: 'default' });
    expect(styleOf({ [`${apns}.badge.enabled`]: 'false', [`${apns}.sound.enabled`]: 'false' })).toEqual({
      title: '',
      body: '',
      hasBadge: false,
    });
  });

  it.each(['.ops.app.ops:alert', '.ops.app', '.ops:alert', ''])('takes templates with the suffix "%s"', (suffix) => {
    const values = { [`${base}.title${suffix}`]: '{{host}}', [`${base}.data${suffix}`]: 'host, state' };
    expect(styleOf(values)).toMatchObject({ title: '{{host}}', dataFields: ['host', 'state'] });
  });

  it('lets the more specific template decide', () => {
    const values = { [`${base}.body.ops.app`]: 'client', [`${base}.body.ops:alert`]: 'topic', [`${base}.body`]: 'any' };
    expect(styleOf(values).body).toBe('client');
  });
});
