import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { runInNewContext } from 'node:vm';
import { chromium, freePort, freshDatabase, php, type FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { chromium as playwright } from 'playwright-core';
import { io } from 'socket.io-client';
import { blocksOf, ReaderShell, root, type Block } from './doc-page';
import { freePorts, Standalone } from './standalone-process';

jest.setTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), 'pns-doc-pages-'));
const dataDir = join(folder, '.data');
const configDir = join(folder, 'config');
const bin = join(folder, 'bin');

let database: FreshDatabase;
let pns: Standalone;
let shell: ReaderShell;
let port: number;

/** Blocks of commands that cannot run here, by page and first line, and the reason. */
const notRun: Readonly<Record<string, string>> = {
  'README.md: npm start   # installs, builds and starts everything, and prints where':
    'this test starts the product after the build, and is itself a part of npm test',
  'README.md: sh deploy/init-env.sh   # once: generates your secrets in .env':
    'needs Docker; init-env.sh runs in the tests of the line that finds the key',
  'deploy/README.md: sh deploy/init-env.sh demo && docker compose config --quiet   # every variable has a value':
    'needs Docker',
  'docs/performance.md: npm run bench                                    # everything, five rounds, medians':
    'takes hours',
  'docs/reliability.md: npm run test:chaos -- --plan rolling --from 46e72fa --seed 3 --count 36000 --rate 300':
    'takes minutes; a test runs a shorter plan',
  'CONTRIBUTING.md: git clone https://github.com/OWNER/pns.git && cd pns   # OWNER: your fork':
    'this test runs in such a clone; npm start is as in README.md',
  'CONTRIBUTING.md: npm run lint && npm run typecheck': '.ci/run runs both, and npm test, of which this test is a part',
  'CONTRIBUTING.md: npm run properties-page': 'would overwrite the page; a test compares what it writes',
  'CONTRIBUTING.md: npm run openapi': 'would overwrite the document; a test compares what it writes',
  'CONTRIBUTING.md: npm install && npx nx sync && npm run typecheck': 'installs packages; .ci/run runs the type check',
  'CONTRIBUTING.md: git add -A': 'stages files; npm test runs the tests of the second line',
  'CONTRIBUTING.md: npm run openapi -- --release': 'would overwrite the document; the rest is as above',
  'CONTRIBUTING.md: git commit -am "build: release X.Y.Z" && git tag vX.Y.Z && git push --follow-tags': 'pushes',
  'docs/dovecot.md: doveadm mailbox metadata set -u jane@example.com -s "" /private/vendor/vendor.dovecot/http-notify user=14@1':
    'needs a Dovecot; dovecot.e2e-spec.ts runs it',
};

const firstLine = ({ text }: Block): string => text.split('\n', 1)[0] ?? '';

beforeAll(async () => {
  mkdirSync(dataDir);
  mkdirSync(bin);
  for (const name of ['examples', 'libs', 'node_modules']) symlinkSync(join(root, name), join(folder, name));
  database = await freshDatabase();
  const { file, env: ofPhp } = php();
  const libraries = ofPhp['LD_LIBRARY_PATH'] ?? '';
  writeFileSync(join(bin, 'php'), `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${file}' "$@"\n`, { mode: 0o755 });
  cpSync(join(root, 'config'), configDir, { recursive: true });
  const [producer] = blocksOf('docs/app-suite.md').filter(({ language }) => language === 'yaml');
  appendFileSync(join(configDir, 'webhook-producers.yml'), (producer as Block).text);
  const env = { DATABASE_URL: database.url, PNS_CONFIG_DIR: configDir, PNS_QUEUE_BOARD: 'on' };
  pns = new Standalone(dataDir, { ...freePorts, ...env });
  await pns.isRunning();
  port = await freePort();
  shell = newShell(folder);
});

afterAll(async () => {
  await shell?.end();
  await pns?.end('SIGTERM');
  await database?.drop();
  rmSync(folder, { recursive: true });
});

function newShell(cwd: string): ReaderShell {
  const path = [bin, dirname(process.execPath), process.env['PATH']].join(':');
  return new ReaderShell(cwd, { PATH: path, HOME: folder });
}

/** A block of a page, with the ports of this PNS instead of the usual ports. */
function here(text: string): string {
  return text
    .replaceAll('http://localhost:3000', pns.apiUrl)
    .replaceAll('http://localhost:3001', pns.websocketUrl)
    .replaceAll('PORT=8080', `PORT=${port}`);
}

/** Runs a block, and fails where the API or the shell refuses a part of it. */
async function run({ text }: Block): Promise<string> {
  const printed = await shell.type(here(text));
  expect(printed).not.toMatch(/urn:pns:problem|not found|[Ee]rror:/);
  return printed;
}

/** The output that blocks of docs/first-push.md must print, by a text in the block. */
const printedBy: readonly (readonly [part: string, expected: RegExp])[] = [
  ['node hello.mjs', /^ox:mail:new Hello from JavaScript$/m],
  ['python3 hello.py', /^ox:mail:new Hello from Python$/m],
  ['php hello.php', /ox:mail:new Hello from PHP$/m],
  ['/test', /"outcome":"misconfigured"/],
  ['explain', /"client":"hello".*"isReached":true/],
];

it('docs/first-push.md can be followed from its first block to its last', async () => {
  const expected = new Set(printedBy);
  for (const block of blocksOf('docs/first-push.md')) {
    expect(block.language).toBe('sh');
    const from = shell.output.length;
    await run(block);
    for (const each of printedBy.filter(([part]) => block.text.includes(part))) {
      await shell.prints(each[1], from);
      expected.delete(each);
    }
    if (block.text.includes('kill $RECEIVER')) await shell.type('wait $RECEIVER 2> /dev/null');
  }
  expect([...expected]).toEqual([]);
});

it("docs/first-push.md leaves the demo's webhook on", async () => {
  const arrivals = await fetch(`${pns.sandboxUrl}/webhooks/demo/arrivals`);
  const before = ((await arrivals.json()) as { accepted: number }).accepted;
  expect((await pns.example()).status).toBe(202);
  expect((await pns.arrived(before + 1)).accepted).toBeGreaterThan(before);
});

describe('the line that finds the key', () => {
  const lineIn = (page: string) =>
    blocksOf(page)
      .flatMap(({ text }) => text.split('\n'))
      .find((line) => line.startsWith('for KEY in')) ?? '';

  /**
   * Runs the shell line in a project that has only these `files`: `npm start` makes `.data`, and containers need `.env`. The API
   * accepts only the key of the way `accepted`. Returns the key that the line finds, and fails if it is another key.
   */
  async function found(accepted: string, files: readonly ('.env' | '.data')[]): Promise<string> {
    const project = mkdtempSync(join(folder, 'project-'));
    mkdirSync(join(project, 'deploy'));
    copyFileSync(join(root, '.env.example'), join(project, '.env.example'));
    copyFileSync(join(root, 'deploy', 'init-env.sh'), join(project, 'deploy', 'init-env.sh'));
    execFileSync('sh', ['deploy/init-env.sh'], { cwd: project });
    if (!files.includes('.env')) rmSync(join(project, '.env'));
    if (files.includes('.data')) {
      mkdirSync(join(project, '.data'));
      copyFileSync(join(dataDir, 'secrets.json'), join(project, '.data', 'secrets.json'));
    }
    const ofContainers = files.includes('.env')
      ? /^PNS_BOOTSTRAP_API_KEY=(.*)$/m.exec(readFileSync(join(project, '.env'), 'utf8'))?.[1]
      : undefined;
    const key = accepted === 'containers' ? ofContainers : pns.apiKey;
    const api = createServer(({ headers }, response) =>
      response.writeHead(headers.authorization === `Bearer ${key}` ? 200 : 401).end(),
    );
    const apiPort = await freePort();
    await new Promise<void>((resolve) => api.listen(apiPort, '127.0.0.1', resolve));
    const line = lineIn('docs/first-push.md').replace('http://localhost:3000', `http://127.0.0.1:${apiPort}`);
    const reader = newShell(project);
    const printed = await reader.type(`${line}\necho "$KEY"`);
    await reader.end();
    api.close();
    expect(printed.trim()).toBe(key);
    return printed.trim();
  }

  it('is the same on both pages', () => expect(lineIn('README.md')).toBe(lineIn('docs/first-push.md')));

  it.each([
    ['npm start', ['.data']],
    ['containers', ['.env']],
    ['npm start', ['.env', '.data']],
    ['containers', ['.env', '.data']],
  ] as const)('finds that of %s among %j', async (way, files) => {
    expect(await found(way, files)).toMatch(/^\S{20,}$/);
  });
});

it("the README's commands send a notification and make a session, and its socket gets the notification", async () => {
  const [post, session, socket] = blocksOf('README.md').filter(({ text }) => /KEY in|v1\/sessions|io\(/.test(text));
  const issued = await run(session as Block);
  const { token } = JSON.parse(issued) as { token: string };
  const subjects: string[] = [];
  const names = { io, token, console: { log: (subject: string) => subjects.push(subject) } };
  const client = runInNewContext(`${here(socket?.text ?? '')}\nsocket`, names) as ReturnType<typeof io>;
  await new Promise((resolve) => client.once('connect', () => resolve(undefined)));
  const arrived = new Promise((resolve) => client.once('ox:mail:new', resolve));
  expect(await run(post as Block)).toMatch(/^HTTP\/1\.1 202 /m);
  await arrived;
  expect(subjects).toEqual(["Let's meet"]);
  client.close();
});

it('the API key of docs/dovecot.md is made', async () => {
  const [block] = blocksOf('docs/dovecot.md').filter(({ text }) => text.startsWith('api '));
  expect(await run(block as Block)).toContain('"scopes":["ingest"]');
});

it('docs/producers.md sends notifications and CloudEvents', async () => {
  const [key, subscribe, ...posts] = blocksOf('docs/producers.md').filter(({ language }) => language === 'sh');
  const [history, stop] = posts.splice(-2);
  expect(await run(key as Block)).toContain('"contexts":[1]');
  await run(subscribe as Block);
  for (const post of posts) expect(await run(post)).toMatch(/"accepted":1,.*"status":"accepted"|^1 accepted,/m);
  expect(posts).toHaveLength(5);
  await shell.prints('tickets:assigned for user 15: The printer is jammed\n');
  await eventually('the history shows an event', async () => (await run(history as Block)).includes('"id":"4711-'));
  await run(stop as Block);
  await shell.type('wait $RECEIVER 2> /dev/null');
});

it('docs/webhooks.md ends with a push at its receiver', async () => {
  const blocks = blocksOf('docs/webhooks.md');
  const stop = blocks.pop();
  for (const block of blocks) await run(block);
  await shell.prints('ox:mail:new for user 16: Hello, receiver\n');
  await run(stop as Block);
});

it('docs/browser.md ends with a push in the page of a browser', async () => {
  const [serve, send, stop] = blocksOf('docs/browser.md').filter(({ language }) => language === 'sh');
  const { file, env } = chromium((line) => process.stdout.write(`${line}\n`));
  const browser = await playwright.launch({ executablePath: file, env: env, args: ['--no-sandbox'] });
  try {
    await run(serve as Block);
    const page = await browser.newPage();
    page.setDefaultTimeout(200_000);
    const url = `http://127.0.0.1:${port}/`;
    await eventually('the page is served', async () => (await fetch(url).catch(() => undefined))?.text());
    await page.goto(url);
    await page.getByText('The socket is open.').waitFor();
    await run(send as Block);
    await page.getByText('ox:mail:new: Hello, page').waitFor();
    await run(stop as Block);
  } finally {
    await browser.close();
  }
});

it('the example of docs/browser.md without the helper takes a new session and shows each notification once', async () => {
  const code = blocksOf('docs/browser.md').find(({ language }) => language === 'js')?.text ?? '';
  const user = { context: 1, user: 18 };
  const sessions: { id: string; token: string }[] = [];
  const shown: unknown[] = [];
  let timesRefreshed = 0;
  const names = {
    ...{ io, setTimeout, Date, crypto: { randomUUID } },
    newToken: async () => {
      const session = await pns.call<{ id: string; token: string }>('POST', '/v1/sessions', user);
      sessions.push(session);
      return session.token;
    },
    refresh: () => timesRefreshed++,
    show: (topic: string, { subject }: { subject: string }) => shown.push(`${topic} ${subject}`),
  };
  const socket = runInNewContext(`${here(code)}\nsocket`, names) as ReturnType<typeof io>;
  const post = (id: string) =>
    pns.call('POST', '/v1/notifications', {
      ...{ ...user, topic: 'ox:mail:new', id },
      payload: { folder: 'default0/INBOX', subject: id },
    });
  await eventually('it is connected', () => socket.connected);
  await post('first');
  await eventually('the first one is shown', () => shown.length === 1);
  const headers = { authorization: `Bearer ${pns.apiKey}` };
  await fetch(`${pns.apiUrl}/v1/sessions/${sessions[0]?.id}`, { method: 'DELETE', headers });
  await eventually('it has another session', () => sessions.length === 2 && socket.connected);
  await post('second');
  await eventually('the second one is shown', () => shown.length === 2);
  expect(shown).toEqual(['ox:mail:new first', 'ox:mail:new second']);
  expect(timesRefreshed).toBe(1);
  socket.close();
});

it('docs/app-suite.md sends a request as App Suite does', async () => {
  const [request] = blocksOf('docs/app-suite.md').filter(({ text }) => text.startsWith('SECRET='));
  const printed = await run(request as Block);
  expect(printed).toMatch(/^HTTP\/1\.1 202 /m);
  expect(printed).toContain('"accepted":1');
});

it.each(['docs/dovecot.md', 'docs/app-suite.md'])('%s ends with a look at the history', async (page) => {
  const [block] = blocksOf(page).filter(({ text }) => text.startsWith('api GET'));
  expect(await run(block as Block)).toContain('"items":');
});

it('docs/history.md shows the outcome of the newest notification', async () => {
  const [block] = blocksOf('docs/history.md');
  const printed = await eventually('the newest notification is dispatched', async () => {
    const answers = await run(block as Block);
    return /"sentence":"[^"]+ was (?:delivered|sent) to /.test(answers) ? answers : undefined;
  });
  expect(printed).toMatch(/"delivered":\d+/);
});

it('docs/configuration.md sets properties and shows which scope decides', async () => {
  const [faults, values, set] = blocksOf('docs/configuration.md').filter(({ language }) => language === 'sh');
  expect(await run(faults as Block)).toContain('"isAllInEffect":true');
  expect(await run(values as Block)).toMatch(/"com\.openexchange\.pns\.delayDuration","value":2000/);
  expect(await run(set as Block)).toMatch(/"com\.openexchange\.pns\.delayDuration","value":500.*"premium"/);
});

it('the commands of docs/cli.md show the outcome of a notification and its reason', async () => {
  const [block] = blocksOf('docs/cli.md');
  const reader = newShell(root);
  try {
    await reader.type(`export PNS_API_URL=${pns.apiUrl} PNS_API_KEY=${pns.apiKey}`);
    const printed = await reader.type((block as Block).text);
    expect(printed).not.toMatch(/HTTP \d|[Ee]rror/);
    expect(printed).toMatch(/^Usage: pns /m);
    expect(printed).toMatch(/webhook\s+sandbox\s+1\s+\S+\s+\d+\s+delivered/);
    expect(printed).toMatch(/delayDuration\s+0\s+1000$/m);
  } finally {
    await reader.end();
  }
});

it('PNS_QUEUE_BOARD shows the queues to an admin', async () => {
  const authorization = `Basic ${Buffer.from(`:${pns.apiKey}`).toString('base64')}`;
  const board = await fetch(`${pns.apiUrl}/queues`, { headers: { authorization } });
  expect([board.status, await board.text()]).toEqual([200, expect.stringContaining('<base href="/queues/" />')]);
  expect((await fetch(`${pns.apiUrl}/queues`)).status).toBe(401);
});

it("the commands of docs/migration.md take over a folder with the original's examples", async () => {
  const original = join(folder, 'etc');
  const config = join(folder, 'pns-config');
  mkdirSync(original);
  writeFileSync(join(original, 'pns.properties'), 'com.openexchange.pns.delayDuration=1500\r\n');
  writeFileSync(join(original, 'mail.properties'), 'com.openexchange.mail.loginSource = mail\n');
  writeFileSync(join(original, 'webhooks.yml'), 'crm:\n    uri: https://crm.example.com/push\n');
  const [look, write] = blocksOf('docs/migration.md').filter(({ language }) => language === 'sh');
  const reader = newShell(root);
  try {
    const paths = ({ text }: Block) => text.replace('/opt/open-xchange/etc', original).replaceAll('pns-config', config);
    const reported = await reader.type(paths(look as Block));
    expect(reported).toMatch(/^pns\.properties:1: taken com\.openexchange\.pns\.delayDuration$/m);
    expect(reported).toMatch(/^not-needed\s+1\s/m);
    expect(reported).toMatch(/^Would write: pns\.properties, webhooks\.yml$/m);
    expect(await reader.type(paths(write as Block))).toMatch(/^pns\.properties\nwebhooks\.yml$/m);
  } finally {
    await reader.end();
  }
});

it('the commands of CONTRIBUTING.md run the tests of a folder, and one of them', async () => {
  const [block] = blocksOf('CONTRIBUTING.md').filter(({ text }) => text.startsWith('npx jest libs/topics\n'));
  const [ofFolder = '', one = ''] = (block as Block).text.trim().split('\n');
  const reader = newShell(root);
  try {
    expect(await reader.type(ofFolder)).toMatch(/^Tests: +\d{2,} passed, \d+ total$/m);
    expect(await reader.type(one)).toMatch(/^Tests: +\d+ skipped, 1 passed, \d+ total$/m);
  } finally {
    await reader.end();
  }
});

it('every block of commands of every page is run above, or its reason is given', () => {
  const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  const commands = pages.flatMap(blocksOf).filter(({ language }) => ['sh', 'bash', 'console'].includes(language));
  const isRun = ({ page, text }: Block) =>
    page === 'docs/first-push.md' ||
    (page === 'README.md' && /KEY in|v1\/sessions/.test(text)) ||
    (page === 'docs/dovecot.md' && text.startsWith('api ')) ||
    page === 'docs/app-suite.md' ||
    page === 'docs/producers.md' ||
    page === 'docs/webhooks.md' ||
    page === 'docs/browser.md' ||
    page === 'docs/history.md' ||
    page === 'docs/configuration.md' ||
    page === 'docs/cli.md' ||
    page === 'docs/migration.md' ||
    (page === 'CONTRIBUTING.md' && text.startsWith('npx jest libs/topics\n'));
  const others = commands.filter((block) => !isRun(block)).map((block) => `${block.page}: ${firstLine(block)}`);
  expect(others.sort()).toEqual(Object.keys(notRun).sort());
});
