import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDovecot, type LocalDovecot } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { root } from './doc-page';
import { DovecotGate } from './dovecot-gate';
import { bothSenders, metadataCommand } from './dovecot-settings';
import { deliver, ImapClient } from './mail-client';
import { listen, type Listener } from './sockets';
import { apiKey, System } from './system';

jest.setTimeout(240_000);

const john = { context: 1, user: 14 };

const mail = (subject: string): string =>
  `From: =?utf-8?q?J=C3=A4ne?= <jane@example.com>\r\nTo: john@example.com\r\nSubject: ${subject}\r\n\r\nHello`;

describe.each(['2.3', '2.4'] as const)('Dovecot %s, with the configuration of the page', (version) => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-dovecot-'));
  let system: System;
  let gate: DovecotGate;
  let dovecot: LocalDovecot;
  let imap: ImapClient;
  let socket: Listener;

  beforeAll(async () => {
    system = await System.start({
      isDurable: false,
      processes: { 'worker-webhook': 0 },
      properties: { 'com.openexchange.pns.delayDuration': 200, 'com.openexchange.pns.timerFrequency': 50 },
    });
    system.configure(
      'websocket-clients.yml',
      'open-xchange-appsuite:\n  path: /socket.io/appsuite/\n  topics: ["ox:mail:*", "ox:folder:*"]\n',
    );
    gate = new DovecotGate(() => system.app('api').url);
    copyFileSync(join(root, 'deploy', 'dovecot', 'pns.lua'), join(folder, 'pns.lua'));
    const sieve =
      'require ["fileinto", "mailbox"];\nif header :contains "subject" "list" { fileinto :create "Lists"; }\n';
    const api = { apiUrl: `http://127.0.0.1:${await gate.open()}`, key: apiKey };
    const settings = bothSenders(version, { ...api, script: join(folder, 'pns.lua') });
    dovecot = await startDovecot({ version, folder, settings, sieve: { john: sieve } });
    await system.expect(200, 'PUT', '/v1/contexts/1/users/15', { logins: ['jane@example.com'] });
    await dovecot.doveadm(...metadataCommand('john'));
    imap = await ImapClient.login(dovecot.port, 'john');
    socket = await listen(system, john, { meta: 1 });
  });

  afterAll(async () => {
    imap?.close();
    socket?.socket.close();
    await dovecot?.stop();
    gate?.close();
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The next notification at the socket, from the position `from` on, that has this topic. */
  async function next(topic: string, from: number): Promise<Record<string, unknown>> {
    const found = () => socket.received.slice(from).find(({ frame }) => frame[0] === topic);
    await socket.until(() => found() !== undefined);
    return found()?.frame[1] as Record<string, unknown>;
  }

  /** Runs `act`, and resolves with the notification of `topic` that follows. */
  async function after(act: () => Promise<unknown>, topic: string): Promise<Record<string, unknown>> {
    const from = socket.received.length;
    await act();
    return next(topic, from);
  }

  it('a mail that is delivered to INBOX arrives once, although driver and script report it', async () => {
    const payload = await after(() => deliver(dovecot.lmtpPort, 'john', mail('First')), 'ox:mail:new');
    expect(payload).toMatchObject({
      folder: 'default0/INBOX',
      id: '1',
      displayname: 'J\u00e4ne',
      subject: 'First',
      unread: 1,
    });
    await eventually(
      'both requests are answered',
      () => gate.events.filter((each) => each === 'messageNew 200').length === 1,
    );
    expect(gate.events).toEqual(expect.arrayContaining(['MessageNew 200', 'messageNew 200']));
  });

  it('a mail that Sieve files into another folder is reported with this folder', async () => {
    const payload = await after(() => deliver(dovecot.lmtpPort, 'john', mail('A list')), 'ox:mail:new');
    expect(payload).toMatchObject({ folder: 'default0/Lists', id: '1', subject: 'A list', unread: 1 });
    expect(await next('ox:folder:changed', 0)).toEqual({ folder: 'default0/Lists', change: 'created' });
  });

  it('a mail that a client appends is reported, and a read one only as a change of flags', async () => {
    const unread = await after(() => imap.append('INBOX', mail('Appended')), 'ox:mail:new');
    expect(unread).toMatchObject({ folder: 'default0/INBOX', id: '2', subject: 'Appended', unread: 2 });
    const read = await after(() => imap.append('INBOX', mail('Sent'), '\\Seen'), 'ox:mail:flags');
    expect(read).toEqual({ folder: 'default0/INBOX', ids: ['3'], flags: ['\\Seen'], unread: 2 });
  });

  it('changes of flags are reported with the number of unread mails', async () => {
    await imap.run('SELECT INBOX');
    const read = await after(() => imap.run('STORE 1:2 +FLAGS (\\Seen)'), 'ox:mail:read');
    expect(read).toEqual({ folder: 'default0/INBOX', ids: ['1', '2'], unread: 0 });
    const unread = await after(() => imap.run('STORE 2 -FLAGS (\\Seen)'), 'ox:mail:flags');
    expect(unread).toEqual({ folder: 'default0/INBOX', ids: ['2'], cleared: ['\\Seen'], unread: 1 });
    const flagged = await after(() => imap.run('STORE 1:2 +FLAGS (\\Flagged work)'), 'ox:mail:flags');
    expect(flagged).toEqual({ folder: 'default0/INBOX', ids: ['1', '2'], flags: ['\\Flagged', 'work'], unread: 1 });
    const again = await after(() => imap.run('STORE 2 +FLAGS (\\Seen)'), 'ox:mail:read');
    expect(again).toEqual({ folder: 'default0/INBOX', ids: ['2'], unread: 0 });
  });

  it('copied mails are reported with their own flags, also where read and unread ones alternate', async () => {
    await imap.run('CREATE Mixed');
    for (const flags of ['', '\\Seen', '']) await imap.append('Mixed', mail('Mixed'), flags);
    await imap.run('SELECT Mixed');
    const from = socket.received.length;
    await imap.run('COPY 1:3 Lists');
    const ofCopies = () =>
      socket.received.slice(from).flatMap(({ frame }) => {
        const [topic, { folder, id, ids }] = frame as [string, { folder: string; id?: string; ids?: string[] }];
        return folder === 'default0/Lists' ? [[topic, ids ?? [id]]] : [];
      });
    await socket.until(() => ofCopies().length >= 3);
    expect(ofCopies()).toEqual(
      expect.arrayContaining([
        ['ox:mail:new', ['2']],
        ['ox:mail:flags', ['3']],
        ['ox:mail:new', ['4']],
      ]),
    );
    await imap.run('SELECT INBOX');
  });

  it('deleted and expunged mails are reported', async () => {
    const trashed = await after(() => imap.run('STORE 3 +FLAGS (\\Deleted)'), 'ox:mail:deleted');
    expect(trashed).toEqual({ folder: 'default0/INBOX', ids: ['3'], unread: 0 });
    const expunged = await after(() => imap.run('EXPUNGE'), 'ox:mail:deleted');
    expect(expunged).toEqual({ folder: 'default0/INBOX', ids: ['3'], unread: 0 });
  });

  it('ten changes of one session are joined into one notification, as the mode collect of the topic says', async () => {
    const property = '/v1/config/contexts/1/users/14/properties/com.openexchange.pns.delayDuration';
    // The time between two of the ten changes is much shorter than this window, so all ten are joined.
    await system.expect(200, 'PUT', property, { value: 4000 });
    await system.untilObeyed(john, 'com.openexchange.pns.delayDuration', 4000);
    await imap.run('CREATE Ten');
    for (let mails = 0; mails < 10; mails++) await imap.append('Ten', mail('Of ten'), '\\Draft');
    await imap.run('SELECT Ten');
    const from = socket.received.length;
    for (let id = 1; id <= 10; id++) await imap.run(`STORE ${id} +FLAGS (\\Seen)`);
    await system.expect(204, 'DELETE', property);
    await system.untilObeyed(john, 'com.openexchange.pns.delayDuration', 200);
    const payload = await next('ox:mail:read', from);
    expect(payload).toEqual({ folder: 'default0/Ten', ids: ['10'], unread: 0 });
    // Notifications arrive in order, so a second notification of the ten changes would arrive before the next.
    await imap.run('SELECT INBOX');
    await after(() => imap.run('STORE 1 -FLAGS (\\Seen)'), 'ox:mail:flags');
    await after(() => imap.run('STORE 1 +FLAGS (\\Seen)'), 'ox:mail:read');
    const read = socket.received.slice(from).filter(({ frame }) => frame[0] === 'ox:mail:read');
    expect(read.map(({ frame }) => (frame[2] as { count: number }).count)).toEqual([10, 1]);
  });

  it('created, renamed and deleted folders are reported', async () => {
    const created = await after(() => imap.run('CREATE Old'), 'ox:folder:changed');
    expect(created).toEqual({ folder: 'default0/Old', change: 'created' });
    const renamed = await after(() => imap.run('RENAME Old New'), 'ox:folder:changed');
    expect(renamed).toEqual({ folder: 'default0/New', change: 'renamed', from: 'default0/Old' });
    const deleted = await after(() => imap.run('DELETE New'), 'ox:folder:changed');
    expect(deleted).toEqual({ folder: 'default0/New', change: 'deleted' });
  });

  it('a login of the directory needs no metadata', async () => {
    const jane = await listen(system, { context: 1, user: 15 });
    await deliver(dovecot.lmtpPort, 'jane@example.com', mail('To Jane'));
    await jane.until(() => jane.received.some(({ frame }) => frame[0] === 'ox:mail:new'));
    expect(jane.received.at(-1)?.frame[1]).toMatchObject({ folder: 'default0/INBOX', subject: 'To Jane', unread: 1 });
    jane.socket.close();
  });

  it('a request that Dovecot repeats after a time-out leads to one notification', async () => {
    const before = gate.events.length;
    gate.lostAnswers = 1;
    const payload = await after(() => deliver(dovecot.lmtpPort, 'john', mail('Repeated')), 'ox:mail:new');
    expect(payload).toMatchObject({ subject: 'Repeated' });
    const requests = () => gate.events.slice(before).filter((each) => each.toLowerCase() === 'messagenew 200').length;
    await eventually('the script has repeated its request, and the driver has sent its own', () => requests() === 3);
    // Notifications arrive in order, so a second notification of the mail would arrive before this later notification.
    await after(() => imap.run('CREATE Last'), 'ox:folder:changed');
    const subjects = socket.received.map(({ frame }) => (frame[1] as { subject?: string }).subject);
    expect(subjects.filter((subject) => subject === 'Repeated')).toHaveLength(1);
    expect(subjects.filter((subject) => subject === 'First')).toHaveLength(1);
  });

  it('no request was refused', () => {
    expect(gate.events.filter((each) => !each.endsWith(' 200'))).toEqual([]);
  });
});
