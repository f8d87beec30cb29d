import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigDirectory } from '@pns/config-folder';
import { testApi, type TestApi } from '../testing/test-api';

interface Fault {
  readonly file: string;
  readonly line?: number;
  readonly entry?: string;
  readonly severity: string;
  readonly reason: string;
}

const pns = 'com.openexchange.pns';
const crlf = (...lines: string[]) => `${lines.join('\r\n')}\r\n`;

/** The configuration of an operator of the original, with mistakes. */
const migrated: Readonly<Record<string, string | Buffer>> = {
  'pns.properties': crlf(
    '\ufeff# Written with Notepad',
    '  ! and older editors',
    `${pns}.delayDuration = 500`,
    `   ${pns}.maxDelayDuration\t=\t\\`,
    '      20000',
    `${pns}.numMaxProcessorThreads=100`,
    `${pns}.retry.attempts: 5`,
  ),
  'pns-transports.properties': crlf(
    `${pns}.transport.gcm.enabled=yes`,
    `${pns}.transport.wns.enabled=`,
    `${pns}.transport.apns.enabled=true`,
    `${pns}.transport.apn.ios.enabled=TRUE`,
    `${pns}.transport.websocket.enabled.open-xchange-appsuite.ox:mail:new=true`,
    `${pns}.transport.websocket.enabled.open-xchange-appsuite.ox\\:calendar\\:new=false`,
  ),
  'mobile.properties': Buffer.from(
    `${pns}.template.title=Gr\xfc\xdfe {{subject}}\n${pns}.delayDuration=600\n${pns}.mobile.api.facade.apn.badge.enabled=1\n`,
    'latin1',
  ),
  'webhooks.properties': crlf(
    `${pns}.transport.webhooks.httpsOnly=false`,
    `${pns}.transport.webhooks.allowLocalWebhooks=true`,
    'com.openexchange.webhooks.enabledIds=switchboard, crm',
    'com.openexchange.webhooks.enabledIds=switchboard',
  ),
  'push.properties': 'com.openexchange.push.allowedClients="USM-EAS*"\ncom.openexchange.push.dovecot.enabled=true\n',
  'server.properties': 'com.openexchange.rest.services.basic-auth.login=open-xchange\nUPLOAD_DIRECTORY=C:\\uploads\n',
  'log.properties': Buffer.from('\ufeffa=b\r\n', 'utf16le'),
  'contextSets/premium.yml': crlf(
    'premium:',
    '  withTags: premium & !trial',
    `  ${pns}.retry.attempts: "7"`,
    `  ${pns}.timerFrequency: 100`,
    'trial:',
    '  withTags: premium and trial',
    `  ${pns}.delayDuration: 0`,
  ),
  'contextSets/tenants.yml': crlf(
    'fortytwo:',
    '  withTags: 42',
    `  ${pns}.retry.attempts: 4`,
    'untagged:',
    `  ${pns}.retry.attempts: 3`,
  ),
  'pns-apns-options.yml': crlf(
    'open-xchange-mobile-api-facade:',
    '    keystore: /opt/open-xchange/etc/apn-prod.p12',
    '    password: A3JWKAKR8XB',
    'myiosclient:',
    '    enabled: false',
    '    keystore: /opt/open-xchange/etc/mykey-apns.p12',
  ),
  'pns-gcm-options.yml': crlf('open-xchange-mobile-api-facade:', '    key: AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546'),
  'webhooks.yml': crlf(
    'common: &common',
    '  uri: https://common.example.com/',
    '  webhookSecret: 12345',
    'switchboard:',
    '  uri: https://switchboard.example.com/api/v1/webhook',
    '\turiValidationMode: none',
    'crm:',
    '  uri: http://crm.internal/hook',
    'shop:',
    '  uri: https://shop.example.com/',
    '  url: https://shop.example.com/',
    'shop2: {uri: "https://shop.example.com/2"}',
  ),
  'pushClientConfig/apn.yml': 'a-ios: {_type: apn}\n',
  'meta/pns.yml': `${pns}.delayDuration: {final: server}\n`,
};

describe('a configuration folder of the original', () => {
  let api: TestApi;
  let faults: readonly Fault[];

  beforeAll(async () => {
    api = await testApi({ files: migrated });
    const { body } = await api.send<{ items: Fault[]; isAllInEffect: boolean }>('GET', '/v1/config/faults');
    expect(body.isAllInEffect).toBe(false);
    faults = body.items;
  });
  afterAll(() => api.close());

  it.each<[file: string, line: number | undefined, severity: string, reason: RegExp]>([
    ['pns.properties', 6, 'warning', /^is not needed: /],
    ['pns.properties', 7, 'warning', /a colon belongs to the name here/],
    ['pns-transports.properties', 1, 'error', /^must be true or false$/],
    ['pns-transports.properties', 2, 'error', /^is empty and must be true or false$/],
    ['pns-transports.properties', 3, 'warning', /is called com\.openexchange\.pns\.transport\.apn\.ios\.enabled here/],
    ['pns.properties', 3, 'warning', /^stands in mobile\.properties, line 2, too; this file decides/],
    ['mobile.properties', 3, 'error', /^must be true or false$/],
    ['webhooks.properties', 1, 'warning', /in webhooks\.yml: httpsOnly/],
    ['webhooks.properties', 2, 'warning', /in webhooks\.yml: allowedNetworks/],
    ['webhooks.properties', 4, 'warning', /^stands in line 3 too; this line, the last one, decides$/],
    ['push.properties', 1, 'warning', /every client may subscribe/],
    ['push.properties', 2, 'warning', /docs\/dovecot\.md/],
    ['server.properties', 1, 'warning', /POST \/v1\/api-keys/],
    ['server.properties', 2, 'warning', /\\u without four hexadecimal digits/],
    ['log.properties', undefined, 'error', /^is UTF-16; save it as UTF-8$/],
    ['contextSets/premium.yml', 4, 'error', /timerFrequency can only be set for: the server$/],
    ['contextSets/premium.yml', 6, 'error', /write & instead of and$/],
    ['contextSets/tenants.yml', 4, 'error', /^withTags is missing/],
    ['pns-apns-options.yml', 2, 'error', /^keystore cannot be read \(ENOENT\)/],
    ['pns-gcm-options.yml', 1, 'error', /Google switched off in June 2024/],
    ['webhooks.yml', 3, 'error', /^webhookSecret must be a string/],
    ['webhooks.yml', 6, 'error', /indented with a tab/],
    ['webhooks.yml', 8, 'error', /^uri is not https/],
    ['webhooks.yml', 11, 'error', /^url is not a field of a webhook/],
    ['pushClientConfig', undefined, 'warning', /-ios or -android/],
    ['meta', undefined, 'warning', /`final`/],
  ])('%s, line %s: %s %s', (file, line, severity, reason) => {
    const found = faults.filter((fault) => fault.file === file && fault.line === line);
    expect(found.map((fault) => [fault.severity, fault.reason])).toContainEqual([
      severity,
      expect.stringMatching(reason) as string,
    ]);
  });

  it('has no other faults, no raw validator messages, and no secrets in the faults', () => {
    const text = JSON.stringify(faults);
    expect(faults).toHaveLength(26);
    expect(text).not.toMatch(/Invalid|expected|received|NaN|undefined/);
    for (const secret of ['A3JWKAKR8XB', 'AIzaSy', '12345', 'open-xchange"']) expect(text).not.toContain(secret);
  });

  it('is in effect except for the faulty entries', async () => {
    const { body } = await api.send<{ items: object[] }>('GET', '/v1/config/server/properties');
    const value = (name: string, of: unknown, file: string) => ({
      ...{ name: `${pns}.${name}`, value: of, origin: { scope: 'server', id: file } },
    });
    expect(body.items).toEqual([
      value('delayDuration', 500, 'pns.properties'),
      value('maxDelayDuration', 20_000, 'pns.properties'),
      value('template.title', 'Grüße {{subject}}', 'mobile.properties'),
      value('transport.apn.ios.enabled', true, 'pns-transports.properties'),
      ...['open-xchange-appsuite.ox:calendar:new', 'open-xchange-appsuite.ox:mail:new'].map((suffix) =>
        value(`transport.websocket.enabled.${suffix}`, suffix.endsWith('mail:new'), 'pns-transports.properties'),
      ),
      {
        ...{ name: 'com.openexchange.webhooks.enabledIds', value: ['switchboard'] },
        origin: { scope: 'server', id: 'webhooks.properties' },
      },
    ]);
    expect((await api.send<{ items: object[] }>('GET', '/v1/config/context-sets')).body.items).toEqual([
      { name: 'premium', rank: 1_000_000, withTags: 'premium & !trial', file: 'contextSets/premium.yml' },
      { name: 'fortytwo', rank: 1_000_001, withTags: '42', file: 'contextSets/tenants.yml' },
    ]);
    const effective = await api.send<{ items: object[] }>(
      'GET',
      `/v1/config/effective?context=42&user=1&prefix=${pns}.retry.a`,
    );
    expect(effective.body.items).toEqual([
      { name: `${pns}.retry.attempts`, value: 4, origin: { scope: 'contextSet', id: 'fortytwo' } },
    ]);
  });

  it('is in the metrics', async () => {
    const { body } = await api.send<string>('GET', '/metrics', { key: null });
    expect(body).toContain('pns_config_last_reload_success 0');
    expect(body).toContain('pns_config_faults{file="webhooks.yml"} 4');
    expect(body).toContain('pns_config_faults{file="pns-wns-options.yml"} 0');
  });
});

describe('a property of a file', () => {
  let api: TestApi;
  const delay = `${pns}.delayDuration`;
  const attempts = `${pns}.retry.attempts`;

  beforeAll(async () => {
    api = await testApi({
      files: {
        'a.properties': `${attempts}=3\n${delay}=5\n`,
        'contextSets/a.yml': `gold: {withTags: vip, ${delay}: 6}\n`,
      },
    });
  });
  afterAll(() => api.close());

  const list = async (path: string) => (await api.send<{ items: object[]; nextCursor?: string }>('GET', path)).body;

  it('is listed page by page with those of the API, which replace it', async () => {
    const path = '/v1/config/server/properties';
    await api.send('PUT', `${path}/${delay}`, { body: { value: 7 } });
    await api.send('PUT', `${path}/${pns}.audit.retention`, { body: { value: 86_400_000 } });
    const items: object[] = [];
    let page = await list(`${path}?limit=1`);
    for (; page.nextCursor !== undefined; page = await list(`${path}?limit=1&cursor=${page.nextCursor}`))
      items.push(...page.items);
    items.push(...page.items);
    const ofFile = { name: attempts, value: 3, origin: { scope: 'server', id: 'a.properties' } };
    expect(items).toEqual([{ name: `${pns}.audit.retention`, value: 86_400_000 }, { name: delay, value: 7 }, ofFile]);
    const one = await api.send('GET', `${path}/${attempts}`);
    expect(one.body).toEqual(ofFile);
    expect(one.headers.get('etag')).toBeNull();
    expect(await api.send('DELETE', `${path}/${attempts}`)).toMatchObject({
      status: 404,
      body: {
        code: 'PROPERTY_NOT_SET',
        detail: `${attempts} is not set here. A file sets it (a.properties); remove it there.`,
      },
    });
    expect((await api.send('DELETE', `${path}/${delay}`)).status).toBe(204);
    expect((await api.send('GET', `${path}/${delay}`)).body).toMatchObject({ value: 5 });
  });

  it('belongs to a context set until the API defines a set with the same name', async () => {
    const path = '/v1/config/context-sets/gold';
    const set = { name: 'gold', rank: 1_000_000, withTags: 'vip', file: 'contextSets/a.yml' };
    const property = { name: delay, value: 6, origin: { scope: 'contextSet', id: 'gold' } };
    expect((await api.send('GET', path)).body).toEqual(set);
    expect((await list('/v1/config/context-sets')).items).toEqual([set]);
    expect((await list(`${path}/properties`)).items).toEqual([property]);
    expect((await api.send('GET', `${path}/properties/${delay}`)).body).toEqual(property);
    expect(await api.send('PUT', `${path}/properties/${delay}`, { body: { value: 1 } })).toMatchObject({
      status: 404,
      body: { code: 'CONTEXT_SET_NOT_FOUND', detail: expect.stringContaining('contextSets/a.yml') as string },
    });
    await api.send('PUT', path, { body: { rank: 1, withTags: 'vip' } });
    expect((await list('/v1/config/context-sets')).items).toEqual([{ name: 'gold', rank: 1, withTags: 'vip' }]);
    expect((await list(`${path}/properties`)).items).toEqual([]);
    await api.send('DELETE', path);
    expect((await list(`${path}/properties`)).items).toEqual([property]);
  });

  it('is applied when it is corrected, and the list of faults changes too', async () => {
    const directory = api.app.get(ConfigDirectory, { strict: false });
    const write = async (text: string): Promise<void> => {
      const noticed = once(directory, 'change', { signal: AbortSignal.timeout(25_000) });
      writeFileSync(join(directory.path, 'a.properties'), text);
      await noticed;
    };
    await write(`${attempts}=many\n`);
    const fault = {
      file: 'a.properties',
      line: 1,
      entry: attempts,
      severity: 'error',
      reason: 'must be a whole number',
    };
    expect((await api.send('GET', '/v1/config/faults')).body).toEqual({ items: [fault], isAllInEffect: false });
    expect((await api.send('GET', `/v1/config/server/properties/${attempts}`)).body).toMatchObject({ value: 3 });
    await write(`${attempts}=4\n`);
    expect((await api.send('GET', '/v1/config/faults')).body).toEqual({ items: [], isAllInEffect: true });
    expect((await api.send('GET', `/v1/config/server/properties/${attempts}`)).body).toMatchObject({ value: 4 });
  });
});
