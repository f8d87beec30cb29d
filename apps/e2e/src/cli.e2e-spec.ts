import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@pns/local-servers/waiting';
import { runCli } from './cli-process';
import { apiKey, System } from './system';

jest.setTimeout(60_000);

let system: System;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { 'worker-websocket': 0 },
    properties: {
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.webhooks.enabledIds': 'sandbox',
      'com.openexchange.pns.retry.attempts': 1,
    },
  });
}, 120_000);

afterAll(() => system?.stop());

/** Runs the command line with the API's address and key, and `input` at its standard input. */
function pns(args: readonly string[], { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {}) {
  return runCli(args, { PNS_API_URL: system.app('api').url, PNS_API_KEY: apiKey, ...env }, input);
}

async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await pns(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

it('registers a subscription, sends to it and shows the outcome of the notification', async () => {
  const uri = `${system.sandbox.url}/webhooks/cli`;
  const target = ['--client', 'sandbox', '--transport', 'webhook', '--token', uri];
  const tested = await done('subscribe', '--user', '14@1', ...target, '--test');
  expect(tested).toMatch(/sandbox\s+webhook\s+\*\nTest push: delivered/);
  const sent = await done('send', '--to', '14@1', '--id', 'mail-113', '--wait');
  expect(sent).toMatch(/Delivered at the first attempt: sandbox through webhook\./);
  expect(sent).toMatch(/webhook\s+sandbox\s+1\s+\S+\s+\d+\s+delivered/);
  expect(await done('where', 'mail-113', '--user', '14@1')).toBe(sent);
  expect(await done('send', '--to', '14@1', '--id', 'mail-113')).toMatch(/mail-113\s+duplicate/);
  expect(await done('explain', '--user', '14@1')).toMatch(/sandbox\s+webhook\s+yes/);
});

it('takes a payload from standard input and writes JSON for programs', async () => {
  const { code, out } = await pns(['--json', 'send', '--to', '15@1', '--topic', 'a:b', '--payload', '-'], {
    input: '{"n":1}',
  });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ accepted: 1, notifications: [{ status: 'accepted' }] });
});

it('reads and changes properties of each scope', async () => {
  const name = 'com.openexchange.pns.delayDuration';
  await done('config', 'set', name, '300', '--in', 'user:16@1');
  await done('config', 'set', name, '200', '--in', 'context:1');
  expect(await done('config', 'get', name, '--in', 'user:16@1')).toBe('300\n');
  expect(await done('config', 'list', '--in', 'context:1')).toMatch(/delayDuration\s+200/);
  expect(await done('config', 'list', '--effective', '--prefix', name, '--in', 'user:17@1')).toMatch(/200\s+context/);
  expect(await done('config', 'diff', 'user:16@1', 'user:17@1')).toMatch(/delayDuration\s+300\s+200/);
  await done('config', 'unset', name, '--in', 'user:16@1');
  expect(await done('config', 'diff', 'user:16@1', 'user:17@1')).toBe('They do not differ.\n');
  await done('config', 'unset', name, '--in', 'context:1');
});

it('writes no control characters of a value to the terminal', async () => {
  const name = 'com.openexchange.pns.template.title.ox:test';
  await done('config', 'set', name, 'a\u001b]0;title\u0007b\u001b[2Jc', '--in', 'user:19@1');
  for (const args of [['get', name], ['list']]) {
    const text = await done('config', ...args, '--in', 'user:19@1');
    expect([...text].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
  }
});

it('lists failed deliveries and sends them again', async () => {
  const uri = `${system.sandbox.url}/webhooks/refusing`;
  await fetch(`${uri}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: 400, times: 1 }),
  });
  await done('subscribe', '--user', '18@1', '--client', 'sandbox', '--transport', 'webhook', '--token', uri);
  const waited = await pns(['send', '--to', '18@1', '--id', 'refused', '--wait']);
  expect(waited).toMatchObject({ code: 1, err: '1 of 1 deliveries failed.\n' });
  expect(waited.out).toMatch(/webhook\s+sandbox\s+1\s+\S+\s+\d+\s+rejected/);
  expect(await done('where', 'refused')).toBe(waited.out);
  const list = await done('failed', 'list', '--user', '18@1');
  expect(list).toMatch(/18@1\s+sandbox\s+webhook\s+ox:mail:new\s+rejected/);
  expect(await done('failed', 'retry', '--user', '18@1')).toBe('1 sent again.\n');
  await eventually(
    'the history has the new attempt',
    async () => (await pns(['where', 'refused', '--wait'])).code === 0,
  );
  expect(await done('where', 'refused')).toMatch(/was delivered to 1 of 1 target/);
  expect(await done('failed', 'delete', '--user', '18@1')).toBe('0 deleted.\n');
});

it.each([
  ['retry', [], 'sent again'],
  ['delete', [], 'deleted'],
  ['retry', ['--user', '18@1'], 'sent again'],
])('failed %s ends with 1 for an id that no failed delivery has', async (command, filter, does) => {
  const one = await pns(['failed', command, 'nothing', ...filter]);
  const err = 'No failed delivery has the id nothing. Run pns failed list for the ids.\n';
  expect(one).toEqual({ code: 1, out: `0 ${does}.\n`, err });
  const { code, out, err: ofTwo } = await pns(['--json', 'failed', command, 'nothing', 'none', 'none', ...filter]);
  expect({ code, counted: Object.values(JSON.parse(out) as object) }).toEqual({ code: 1, counted: [0] });
  expect(ofTwo).toMatch(/^No failed delivery has 2 of the 2 ids\./);
});

it('ends with 1 if the test push is refused or a delivery has not ended, and says so', async () => {
  const uri = `${system.sandbox.url}/webhooks/away`;
  const misbehave = (fault: object) =>
    fetch(`${uri}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
  const target = ['--user', '20@1', '--client', 'sandbox', '--transport', 'webhook', '--token', uri];
  await misbehave({ status: 400 });
  const err = 'The subscription is registered, and the test push was not delivered.\n';
  const tested = await pns(['subscribe', ...target, '--test']);
  expect(tested).toMatchObject({ code: 1, err });
  expect(tested.out).toMatch(/^Test push: rejected: /m);
  const asJson = await pns(['--json', 'subscribe', ...target, '--test']);
  expect(asJson).toMatchObject({ code: 1, err });
  expect(JSON.parse(asJson.out)).toMatchObject({ client: 'sandbox', test: { outcome: 'rejected' } });
  await misbehave({ hang: true });
  const sent = await pns(['send', '--to', '20@1', '--id', 'hangs', '--wait', '1']);
  expect(sent).toMatchObject({ code: 1, err: 'The time to wait is over, and not every delivery has ended.\n' });
  await fetch(`${uri}/faults`, { method: 'DELETE' });
});

it('sets an exit code in one file only', () => {
  const folder = join(__dirname, '../../cli/src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!spec)\.ts$/.test(name),
  );
  const setting = files.filter((name) => /exitCode|process\.exit/.test(readFileSync(join(folder, name), 'utf8')));
  expect(setting).toEqual(['main.ts']);
});

it("takes over the configuration of App Suite's push service without an API", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-import-'));
  try {
    const original = join(folder, 'etc');
    const target = join(folder, 'config');
    mkdirSync(original);
    writeFileSync(join(original, 'pns.properties'), 'com.openexchange.pns.timerFrequency: 250\n');
    const good = await runCli(['import', 'ox', original, '--write', target], {});
    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out).toMatch(/^pns\.properties:1: taken com\.openexchange\.pns\.timerFrequency$/m);
    expect(readFileSync(join(target, 'pns.properties'), 'utf8')).toContain('timerFrequency=250\n');
    expect(await runCli(['import', 'ox', original, '--write', target], {})).toMatchObject({ code: 2, out: '' });
    expect(await runCli(['import', 'ox', original, '--write', ''], {})).toEqual({
      code: 2,
      out: '',
      err: '--write has no folder; name one that does not exist yet.\n',
    });
    writeFileSync(join(original, 'webhooks.yml'), 'crm:\n  uri: here\n  signatureSecret: geheim\n');
    const wrong = await runCli(['--json', 'import', 'ox', original], {});
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.out)).toMatchObject({
      lines: [{ standing: 'taken' }, { line: 2, entry: 'crm.uri', standing: 'wrong' }, { standing: 'by-hand' }],
      summary: { taken: 1, wrong: 1, 'by-hand': 1 },
      files: ['pns.properties'],
      isWritten: false,
    });
    expect(wrong.out).not.toContain('geheim');
    writeFileSync(join(original, 'x\n\u001b[8m\u009b2J.bin'), '');
    const { out } = await runCli(['import', 'ox', original], {});
    expect(out).toMatch(/^x {2}\[8m 2J\.bin: not-needed /m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('encrypts secrets again, and says how many still need another key', async () => {
  expect(await done('secrets', 'rotate')).toMatch(/^\d+ encrypted again, 0 still need another key\.\n$/);
});

it.each([
  [['send', '--to', '14'], 2, /user@context, for example 14@1/],
  [['send'], 2, /required option '--to/],
  [['sent'], 2, /Did you mean send\?/],
  [['send', '--to', '14@1', '--payload', '{'], 2, /not JSON/],
  [['send', '--to', '14@1', '--payload', '@missing.json'], 2, /ENOENT/],
  [['send', '--to', '14@1', '--payload', '{"a":1e400}'], 1, /payload\.a is a number that cannot be sent unchanged/],
  [['failed', 'retry'], 2, /Give ids or a filter/],
  [['config', 'get', 'x', '--in', 'nowhere'], 2, /server, set:<name>, context:<id>/],
  [
    ['config', 'set', 'com.openexchange.pns.delayDuraton', '1'],
    1,
    /nearest is com\.openexchange\.pns\.delayDuration.*PROPERTY_UNKNOWN, HTTP 422/,
  ],
  [['config', 'list', '--prefix', 'com'], 2, /--prefix needs --effective/],
  [['where', 'nothing'], 1, /NOTIFICATION_NOT_FOUND/],
  [['--key', 'secret\nkey', 'where', 'nothing'], 2, /^The API key has a line break or another character/],
  [['--key', 'a wrong key of some length', 'where', 'nothing'], 1, /HTTP 401/],
  [['--url', 'http://127.0.0.1:1', 'where', 'nothing'], 1, /cannot be reached/],
  [['--url', 'http://127.0.0.1:6000', 'where', 'nothing'], 1, /cannot be reached \(bad port\)/],
  [['--url', 'nonsense', 'where', 'nothing'], 2, /is not a URL/],
  [['import', 'ox', 'missing\u001b[8m'], 2, /missing \[8m does not exist/],
  [['completion', 'tcsh'], 2, /bash, zsh, fish/],
])('pns %j ends with %i and one sentence', async (args, expected, sentence) => {
  const { code, out, err } = await pns(args);
  expect({ code, out }).toEqual({ code: expected, out: '' });
  expect(err).toMatch(sentence);
  expect(err).not.toMatch(/ {4}at /);
});

it.each(['/docs', '/v1'])('says that the address of the API has no path, such as %s', async (path) => {
  const { code, err } = await pns(['config', 'list'], { env: { PNS_API_URL: `${system.app('api').url}${path}` } });
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringContaining('PNS_API_URL must be the address of the API, without a path.') as string,
  });
});

it('sends the development key to this machine only', async () => {
  const { code, err } = await pns(['where', 'x'], {
    env: { PNS_API_URL: 'https://pns.example.com', PNS_API_KEY: '', PNS_DATA_DIR: '.' },
  });
  expect({ code, err }).toEqual({ code: 2, err: 'No API key: set PNS_API_KEY, PNS_API_KEY_FILE or --key.\n' });
});
