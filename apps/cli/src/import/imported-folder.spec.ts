import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CascadeFiles } from '@pns/config-cascade';
import { ConfigDirectory, OptionFiles } from '@pns/config-folder';
import { makeAuthority } from '@pns/sandbox';
import { apnsOptionsFileFor } from '@pns/transport-apns';
import { fcmOptionsFileFor } from '@pns/transport-fcm';
import { webhookOptionsFileFor } from '@pns/transport-webhook';
import { wnsOptionsFileFor } from '@pns/transport-wns';
import { importedFolder } from './imported-folder';
import { needsDecision, summaryOf } from './report';
import { sampleFiles, sampleSecrets, writeSample } from './testing/sample-folder';
import { writeFolder } from './written-folder';

const folder = mkdtempSync(join(tmpdir(), 'pns-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const authority = makeAuthority();
const keystore = authority.pkcs12(authority.client('Apple Push Services: mail'), 'keystore-geheim');
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const files = sampleFiles(keystore, key);
const original = join(folder, 'etc');
writeSample(original, files);
const imported = importedFolder(original);

it('reports each entry of a folder of more than thirty files once', () => {
  expect(files.length).toBeGreaterThan(30);
  const rows = imported.lines.map(({ file, line, entry, standing }) => rowOf(file, line, entry, standing));
  const expected = files.flatMap(({ file, expected: of }) => of.map((row) => rowOf(file, ...row)));
  expect(rows.sort()).toEqual(expected.sort());
});

function rowOf(file: string, line: number | undefined, entry: string | undefined, standing: string): string {
  return `${file}:${String(line ?? 0).padStart(3, '0')} ${entry ?? ''}: ${standing}`;
}

it('gives a reason for each entry that is not taken', () => {
  expect(imported.lines.filter(({ standing, reason }) => standing !== 'taken' && (reason ?? '') === '')).toEqual([]);
  expect(needsDecision(imported.lines)).toBe(true);
  expect(Object.values(summaryOf(imported.lines)).every((count) => count > 0)).toBe(true);
});

it('shows no secret', () => {
  const shown = JSON.stringify([imported.lines, [...imported.files.keys()]]);
  for (const secret of sampleSecrets) expect(shown).not.toContain(secret);
});

it('writes a folder that only its owner reads', () => {
  const target = join(folder, 'rights');
  writeFolder(target, imported.files);
  expect(statSync(target).mode & 0o777).toBe(0o700);
  for (const file of imported.files.keys()) expect(statSync(join(target, file)).mode & 0o777).toBe(0o600);
  expect(() => writeFolder(target, imported.files)).toThrow('is not empty');
});

describe('the written folder, read by PNS', () => {
  const target = join(folder, 'config');
  writeFolder(target, imported.files);
  const directory = new ConfigDirectory(target, () => new CascadeFiles());
  const options = new OptionFiles(directory);
  const readFile = (path: string) => options.readFile(path);
  const apns = options.entries('pns-apns-options.yml', apnsOptionsFileFor('production', readFile)).all;
  const fcm = options.entries('pns-gcm-options.yml', fcmOptionsFileFor('production', readFile)).all;
  const wns = options.entries('pns-wns-options.yml', wnsOptionsFileFor('production', readFile)).all;
  const webhooks = options.entries('webhooks.yml', webhookOptionsFileFor('production', readFile)).all;
  afterAll(() => directory.close());

  it('has no fault', () => {
    expect(directory.faults).toEqual([]);
    expect(readdirSync(target).sort()).toEqual([
      'contextSets',
      'pns-apns-options.yml',
      'pns-gcm-options.yml',
      'pns-wns-options.yml',
      'pns.properties',
      'secrets',
      'webhooks.yml',
    ]);
  });

  it('has the values of the original', () => {
    const pns = 'com.openexchange.pns';
    expect(Object.fromEntries(directory.content.server.values)).toEqual({
      [`${pns}.delayDuration`]: '2000',
      [`${pns}.timerFrequency`]: '250',
      [`${pns}.numProcessorThreads`]: '20',
      [`${pns}.maxProcessorTasks`]: '4096',
      [`${pns}.transport.apn.ios.enabled`]: 'true',
      [`${pns}.transport.gcm.enabled`]: 'true',
      [`${pns}.transport.wns.enabled`]: 'true',
      [`${pns}.transport.websocket.enabled`]: 'true',
      [`${pns}.transport.websocket.enabled.open-xchange-appsuite.ox:mail:new`]: 'true',
      [`${pns}.transport.websocket.enabled.open-xchange-appsuite.ox:calendar:new`]: 'false',
      [`${pns}.mobile.api.facade.apn.sound.filename`]: 'glöckchen.caf',
      [`${pns}.mobile.api.facade.apn.badge.enabled`]: 'FALSE',
      'com.openexchange.webhooks.enabledIds': 'switchboard, crm,erp',
    });
    const sets = directory.content.sets.map(({ name, tagText, addTags, values }) => {
      return { name, tagText, addTags, values: Object.fromEntries(values) };
    });
    expect(sets).toEqual([
      {
        name: 'premium',
        tagText: 'premium & !(trial | internal)',
        addTags: ['paying'],
        values: {
          [`${pns}.delayDuration`]: '0',
          [`${pns}.transport.apn.ios.enabled`]: 'true',
          [`${pns}.transport.websocket.enabled.open-xchange-appsuite.ox:calendar:updates`]: 'false',
        },
      },
      { name: 'trial', tagText: 'trial', addTags: undefined, values: { [`${pns}.transport.gcm.enabled`]: 'false' } },
      {
        name: 'premium-2',
        tagText: 'gold & ucTask',
        addTags: undefined,
        values: { 'com.openexchange.webhooks.enabledIds': 'crm' },
      },
      { name: 'third', tagText: 'c', addTags: undefined, values: {} },
    ]);
  });

  it('has the clients and webhooks of the original', () => {
    expect(Object.fromEntries(apns)).toEqual({
      myiosclient: expect.objectContaining({ enabled: false, topic: 'myBundleId' }) as unknown,
      'mail-app': {
        enabled: true,
        authtype: 'certificate',
        keystore: keystore.toString('base64'),
        password: 'keystore-geheim',
        production: false,
        topic: 'com.example.mail',
      },
      'tasks-app': expect.objectContaining({ authtype: 'jwt', privatekey: key, topic: 'com.example.tasks' }) as unknown,
      'calendar-app': expect.objectContaining({ privatekey: key, topic: 'com.example.calendar' }) as unknown,
    });
    expect(Object.fromEntries(fcm)).toEqual({ mygoogleclient: { enabled: false } });
    expect(Object.fromEntries(wns)).toMatchObject({
      mywindowsclient: { sid: 'ms-app://S-1-15-2-1-2-3-4', secret: 'wns-geheim' },
    });
    const settings = { httpsOnly: false, maxConnections: 50, timeoutMillis: 4000 };
    expect(Object.fromEntries(webhooks)).toMatchObject({
      defaults: { uri: 'http://10.0.0.5/push', signatureSecret: 'signing-geheim', ...settings },
      switchboard: {
        uri: 'http://10.0.0.5/push',
        signatureSecret: 'signing-geheim',
        webhookSecret: 'Bearer 0815-geheim',
        uriValidationMode: 'prefix',
        maxTimeToLiveMillis: 86_400_000,
        allowSharedUri: true,
        allowedNetworks: expect.arrayContaining(['10.0.0.0/8']) as unknown,
        ...settings,
      },
      crm: { uri: 'https://crm.example.com/hook', uriValidationMode: 'none', allowedNetworks: [], ...settings },
    });
  });
});
