import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { makeAuthority } from '@pns/sandbox';
import { importedFolder } from './imported-folder';
import type { ReportLine } from './report';
import { writeSample } from './testing/sample-folder';

const folder = mkdtempSync(join(tmpdir(), 'pns-import-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const newKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const one = newKey();
const two = newKey();
const authority = makeAuthority();
const keystore = authority.pkcs12(authority.client('Apple Push Services: mail'), 'geheim');

let count = 0;

/** Imports a folder with these files. */
function importOf(files: Readonly<Record<string, string | Buffer>>) {
  const path = join(folder, String(++count));
  writeSample(
    path,
    Object.entries(files).map(([file, content]) => ({ file, content, expected: [] })),
  );
  const imported = importedFolder(path);
  const text = imported.files.get('pns-apns-options.yml')?.toString() ?? '{}';
  const clients = parse(text) as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  /** The key that PNS reads for a client. */
  const keyOf = (client: string) => {
    const { privatekey, privatekeyId } = clients[client] ?? {};
    const file = typeof privatekeyId === 'string' ? `secrets/${privatekeyId}` : String(privatekey);
    return imported.files.get(file)?.toString();
  };
  const line = (shown: string) => imported.lines.find(({ file, entry }) => shown === file || shown === entry);
  return { ...imported, clients, keyOf, line };
}

const jwt = 'authtype: jwt, keyid: KEY0000001, teamid: TEAM000001, topic: com.example';
const byPath = `{${jwt}, privatekey: keys/abc}`;
const byId = `{${jwt}, privatekeyId: abc}`;

describe('a client gets its own key, if a path and an id have the same file name', () => {
  const files = { 'keys/abc': one, 'secrets/abc': two };

  it.each([
    ['the path first', `one: ${byPath}\ntwo: ${byId}\n`],
    ['the id first', `two: ${byId}\none: ${byPath}\n`],
  ])('%s', (_, options) => {
    const imported = importOf({ ...files, 'pns-apns-options.yml': options });
    expect([imported.keyOf('one'), imported.keyOf('two')]).toEqual([one, two]);
    expect(imported.line('keys/abc')).toMatchObject({ standing: 'renamed', reason: 'is copied to secrets/one-abc' });
    expect(imported.line('secrets/abc')).toMatchObject({ standing: 'renamed', reason: 'is copied to secrets/abc' });
  });

  it('in different files', () => {
    const imported = importOf({
      ...files,
      'pns-apns-options.yml': `one: ${byPath}\n`,
      'pushClientConfig/a.yml': `two-ios: {_type: apn, ${jwt}, privatekeyId: abc}\n`,
    });
    expect([imported.keyOf('one'), imported.keyOf('two')]).toEqual([one, two]);
  });

  it.each([
    ['an id', 'privatekeyId: abc'],
    ['a path', 'privatekey: ./secrets/abc'],
  ])('if the file of %s does not exist', (_, field) => {
    const options = `one: ${byPath}\ntwo: {${jwt}, ${field}}\nthree: {enabled: false, ${jwt}, ${field}}\n`;
    const imported = importOf({ 'keys/abc': one, 'pns-apns-options.yml': options });
    expect(imported.line(`two.${field.split(':')[0]}`)).toMatchObject({ standing: 'wrong' });
    expect(Object.keys(imported.clients)).toEqual(['one', 'three']);
    expect([imported.keyOf('one'), imported.keyOf('three')]).toEqual([one, undefined]);
  });
});

it('copies one file once for two clients', () => {
  const imported = importOf({ 'keys/abc': one, 'pns-apns-options.yml': `one: ${byPath}\ntwo: ${byPath}\n` });
  expect([...imported.files.keys()]).toEqual(['pns-apns-options.yml', 'secrets/abc']);
});

describe('a file that an entry names', () => {
  const cases: readonly [string, Readonly<Record<string, string | Buffer>>, string, Partial<ReportLine>][] = [
    [
      'is copied for a disabled entry',
      {
        'one.p12': keystore,
        'pns-apns-options.yml': 'one: {enabled: false, keystore: /opt/open-xchange/etc/one.p12}\n',
      },
      'one.p12',
      { standing: 'renamed', reason: 'is copied to secrets/one.p12' },
    ],
    [
      'is copied for a disabled entry that has its id',
      { 'secrets/abc': one, 'pns-apns-options.yml': `one: {enabled: off, ${jwt}, privatekeyId: abc}\n` },
      'secrets/abc',
      { standing: 'renamed', reason: 'is copied to secrets/abc' },
    ],
    [
      'is copied, if its name is like that of a copy',
      { '.one.p12': keystore, 'pns-apns-options.yml': 'one: {enabled: false, keystore: .one.p12}\n' },
      '.one.p12',
      { standing: 'renamed', reason: 'is copied to secrets/.one.p12' },
    ],
    [
      'is reported for a refused entry',
      { 'one.p12': keystore, 'pns-apns-options.yml': '\none: {keystore: one.p12, password: wrong, topic: t}\n' },
      'one.p12',
      {
        standing: 'by-hand',
        reason: 'is named by one.keystore in pns-apns-options.yml, line 2, and is not copied',
      },
    ],
    [
      'is reported for an entry of another type',
      { 'a.json': '{}', 'pushClientConfig/a.yml': 'one:\n  _type: other\n  serviceAccount: a.json\n' },
      'a.json',
      {
        standing: 'by-hand',
        reason: 'is named by one.serviceAccount in pushClientConfig/a.yml, line 3, and is not copied',
      },
    ],
    [
      'is reported for the second entry of a client',
      {
        'keys/abc': one,
        'other.p8': two,
        'pns-apns-options.yml': `one: ${byPath}\n`,
        'pushClientConfig/a.yml': `one-ios: {_type: apn, ${jwt}, privatekey: other.p8}\n`,
      },
      'other.p8',
      {
        standing: 'by-hand',
        reason: 'is named by one-ios.privatekey in pushClientConfig/a.yml, line 1, and is not copied',
      },
    ],
    [
      'is not needed, if its field is not needed',
      { 'a.p8': one, 'pns-apns-options.yml': 'one: {enabled: false, authtype: certificate, privatekey: a.p8}\n' },
      'a.p8',
      {
        standing: 'not-needed',
        reason: 'is named by one.privatekey in pns-apns-options.yml, line 1, which is not needed, and is not copied',
      },
    ],
  ];

  it.each(cases)('%s', (_, files, file, expected) => {
    expect(importOf(files).line(file)).toMatchObject(expected);
  });

  it('keeps its path for a disabled entry, if it does not exist', () => {
    const keystorePath = '/opt/open-xchange/etc/lost.p12';
    const imported = importOf({ 'pns-apns-options.yml': `one: {enabled: false, keystore: ${keystorePath}}\n` });
    expect(imported.line('one.keystore')).toMatchObject({ standing: 'taken' });
    expect(imported.clients['one']).toMatchObject({ keystore: keystorePath });
  });
});

describe('a file with the same name at the top of the folder', () => {
  it.each(['/etc/ssl/prod-of-pns-test/push.p12', '/opt/open-xchange/etc/prod/push.p12', 'prod/push.p12'])(
    'is copied for %s, and must be checked by hand',
    (path) => {
      const imported = importOf({
        'push.p12': keystore,
        'pns-apns-options.yml': `one: {keystore: ${path}, password: geheim, topic: com.example}\n`,
      });
      expect(imported.line('one.keystore')).toMatchObject({
        standing: 'by-hand',
        reason:
          'names no file; another file with the same name, push.p12, is copied to secrets/push.p12; check that it is the right one',
      });
      expect(imported.clients['one']).toMatchObject({ keystore: 'secrets/push.p12' });
    },
  );

  it('is not taken for an id', () => {
    const imported = importOf({ abc: one, 'pns-apns-options.yml': `one: ${byId}\n` });
    expect(imported.line('one.privatekeyId')).toMatchObject({ standing: 'wrong' });
    expect(imported.files.size).toBe(0);
  });

  it('is not reported as copied for a refused entry', () => {
    const imported = importOf({
      'push.p12': keystore,
      'pns-apns-options.yml': 'one: {keystore: /nowhere/push.p12, password: geheim, production: never}\n',
    });
    expect(imported.line('one.keystore')?.reason).toBe('is not written, because its entry cannot be used as it is');
  });
});

it('says which entry of a client is written', () => {
  const imported = importOf({
    'keys/abc': one,
    'pns-apns-options.yml': `one: ${byPath}\n`,
    'pushClientConfig/a.yml': `one-ios: {_type: apn, ${jwt}-2, privatekey: keys/abc}\n`,
  });
  expect(imported.line('one-ios.topic')).toMatchObject({
    standing: 'wrong',
    reason:
      'is not written: the entry in pns-apns-options.yml, line 1, has the same client and is written; remove one of the two',
  });
});
