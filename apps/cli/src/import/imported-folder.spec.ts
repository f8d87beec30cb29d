import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CascadeFiles } from '@pns/config-cascade';
import { ConfigDirectory, OptionFiles } from '@pns/config-folder';
import { makeAuthority } from '@pns/sandbox';
import { apnsOptionsFileFor } from '@pns/transport-apns';
import { fcmOptionsFileFor } from '@pns/transport-fcm';
import { webhookOptionsFileFor } from '@pns/transport-webhook';
import { wnsOptionsFileFor } from '@pns/transport-wns';
import { UsageError } from '../env';
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

it.each([
  ['editor copy', 'contextSets/~two.yml', undefined],
  ['editor copy', 'contextSets/#two.yml#', undefined],
  ['hidden file', 'contextSets/.two.yml', undefined],
  ['hidden folder', 'contextSets/.d/two.yml', undefined],
  ['hidden folder', '.git/contextSets/two.yml', undefined],
  ['visible file', 'contextSets/~d/two.yml', 'contextSets/d-two.yml'],
  ['visible file', 'contextSets/#d/~e/two.yml', 'contextSets/d-~e-two.yml'],
  ['visible file', 'contextSets/d/two.yaml', 'contextSets/d-two.yaml'],
])('writes context sets only under names that PNS reads: %s %s', (_, file, written) => {
  const path = mkdtempSync(join(folder, 'sets-'));
  writeSample(join(path, 'etc'), [{ file, content: 'two: {withTags: a}\n', expected: [] }]);
  const { files: found, lines } = importedFolder(join(path, 'etc'));
  expect([...found.keys()]).toEqual(written === undefined ? [] : [written]);
  if (written === undefined)
    expect(lines).toEqual([{ file, standing: 'not-needed', reason: 'is a hidden file or a copy' }]);
  writeFolder(join(path, 'config'), found);
  const directory = new ConfigDirectory(join(path, 'config'), () => new CascadeFiles());
  expect(directory.content.sets).toHaveLength(found.size);
  directory.close();
});

it('writes the tags of context sets as they are in the original, also numbers', () => {
  const path = mkdtempSync(join(folder, 'tags-'));
  const content = 'one: {withTags: 007, addTags: [1e3]}\ntwo: {withTags: 12345678901234567890}\n';
  writeSample(join(path, 'etc'), [{ file: 'contextSets/a.yml', content, expected: [] }]);
  writeFolder(join(path, 'config'), importedFolder(join(path, 'etc')).files);
  const directory = new ConfigDirectory(join(path, 'config'), () => new CascadeFiles());
  expect(directory.content.sets).toMatchObject([
    { tagText: '007', addTags: ['1e3'] },
    { tagText: '12345678901234567890' },
  ]);
  directory.close();
});

it.each(['pns.properties', 'pns-apns-options.yml', 'contextSets/a.yml', 'pushClientConfig/a.yml', 'meta/a.yml'])(
  'reads no %s below a hidden folder',
  (file) => {
    const path = mkdtempSync(join(folder, 'hidden-'));
    writeSample(path, [{ file: `.git/a/${file}`, content: 'com.openexchange.pns.delayDuration: 1\n', expected: [] }]);
    expect(importedFolder(path).lines).toEqual([
      { file: `.git/a/${file}`, standing: 'not-needed', reason: 'is a hidden file or a copy' },
    ]);
  },
);

it.each([
  ['', '--write has no folder; name one that does not exist yet.'],
  [join(folder, 'a-file'), `${join(folder, 'a-file')} is not a folder.`],
  [join(folder, 'a-file', 'below'), `${join(folder, 'a-file', 'below')} is not a folder.`],
  [join(folder, 'x'.repeat(300)), `${join(folder, 'x'.repeat(300))} cannot be written (ENAMETOOLONG).`],
])('refuses to write into %j with a sentence', (path, sentence) => {
  writeFileSync(join(folder, 'a-file'), '');
  expect(() => writeFolder(path, imported.files)).toThrow(new UsageError(sentence));
});

it('says which of two values is written, and that a merge has no fields', () => {
  const path = mkdtempSync(join(folder, 'sentences-'));
  const texts = {
    'a.properties': 'com.openexchange.pns.delayDuration=1\n',
    'b.properties': 'com.openexchange.pns.delayDuration=2\n',
    'contextSets/a.yml': 'a:\n  withTags: a\n  "<<": text\n',
  };
  writeSample(
    path,
    Object.entries(texts).map(([file, content]) => ({ file, content, expected: [] })),
  );
  const wrong = importedFolder(path).lines.filter(({ standing }) => standing === 'wrong');
  expect(wrong.map(({ reason }) => reason)).toEqual([
    "is set in b.properties, line 1, with another value; that line's value is written; remove the wrong one",
    'names no entry with fields to merge',
  ]);
});

it('refuses a folder without a name', () => {
  expect(() => importedFolder('')).toThrow(new UsageError('The folder to import has no name.'));
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
      [`${pns}.retry.baseDelay`]: '4000',
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
