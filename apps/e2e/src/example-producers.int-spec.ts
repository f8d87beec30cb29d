import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createApi } from '@pns/api';
import { answerOf, pnsClient } from '@pns/client';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { migratedDatabase } from '@pns/persistence/testing';
import { log } from '@pns/runtime';
import { ExampleProcess, examples } from './example-process';

const bootstrapKey = 'the bootstrap key of these tests';
const programs = {
  node: 'producer.mjs',
  python: 'producer.py',
  php: 'producer.php',
  perl: 'producer.pl',
  shell: 'producer.sh',
};
type Language = keyof typeof programs;
const languages = Object.keys(programs) as Language[];

/** How the edge answers one request: with its own answer, with no answer after the API has answered, or with the answer of the API. */
type Step = 'unavailable' | 'throttled' | 'lost' | 'forwarded';

interface Seen {
  readonly step: Step;
  readonly lines: readonly string[];
  /** The answer of the API; absent if the edge sent its own answer. */
  readonly answer?: { readonly status: number; readonly body: Answer };
  readonly arrivedAt: number;
  readonly answeredAt: number;
}

interface Answer {
  readonly notifications?: readonly { readonly id: string; readonly status: string }[];
  readonly errors?: readonly { readonly code: string }[];
}

/** A server in front of the API. A request's path begins with the name of a script, whose next step decides the answer. */
class Edge {
  readonly seen = new Map<string, Seen[]>();
  readonly scripts = new Map<string, Step[]>();
  private readonly server: Server;

  constructor(private readonly apiUrl: string) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async open(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = '', ...path] = (request.url ?? '').split('/');
    const arrivedAt = performance.now();
    const body = await text(request);
    const step = this.scripts.get(name)?.shift() ?? 'forwarded';
    let answer: Seen['answer'];
    if (step === 'lost' || step === 'forwarded') {
      const { authorization = '', 'content-type': type = '' } = request.headers;
      const headers = { authorization, 'content-type': type };
      const given = await fetch(`${this.apiUrl}/${path.join('/')}`, { method: 'POST', headers, body });
      const content = await given.text();
      answer = { status: given.status, body: JSON.parse(content) as Answer };
      const retryAfter = given.headers.get('retry-after');
      if (step === 'lost') request.socket.destroy();
      else response.writeHead(given.status, retryAfter === null ? {} : { 'retry-after': retryAfter }).end(content);
    } else {
      response.writeHead(step === 'throttled' ? 429 : 503, { 'retry-after': '1' }).end('<html>Not now</html>');
    }
    const seen: Seen = { step, lines: body.trim().split('\n'), arrivedAt, answeredAt: performance.now() };
    this.seen.set(name, [...(this.seen.get(name) ?? []), answer === undefined ? seen : { ...seen, answer }]);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

let database: FreshDatabase;
let api: Awaited<ReturnType<typeof createApi>>;
let apiUrl: string;
let edge: Edge;
let edgeUrl: string;
const configDir = mkdtempSync(join(tmpdir(), 'pns-producers-'));

beforeAll(async () => {
  log.level = 'silent';
  database = await migratedDatabase();
  api = await createApi({
    ...{ databaseUrl: database.url, redisUrl: testRedisUrl(), configDir, shards: 4, bootstrapApiKey: bootstrapKey },
    ...{ sessionKey: 'the session secret of these tests', encryptionKeys: [Buffer.alloc(32, 'e')] },
    ...{ nodeEnv: 'test', redisPrefix: freshPrefix() },
  });
  await api.listen(0, '127.0.0.1');
  apiUrl = `http://127.0.0.1:${(api.getHttpServer().address() as { port: number }).port}`;
  edge = new Edge(apiUrl);
  edgeUrl = await edge.open();
});

afterAll(async () => {
  edge?.close();
  await api?.close();
  await database?.drop();
  rmSync(configDir, { recursive: true, force: true });
});

/** Runs a producer with these lines at its standard input. */
async function produce(
  language: Language,
  lines: readonly string[],
  { script = language, key = bootstrapKey }: { readonly script?: string; readonly key?: string } = {},
): Promise<{ exitCode: number | null; output: string }> {
  const program = join(examples, 'producers', language, programs[language]);
  const env = { PNS_URL: `${edgeUrl}/${script}`, PNS_KEY: key, LC_ALL: 'C.UTF-8' };
  const producer = new ExampleProcess(language, [program], env, lines.map((line) => `${line}\n`).join(''));
  return { exitCode: await producer.ended(), output: producer.output };
}

const notification = (id: string, payload: object = { ticket: 4711, title: 'Gr\u00fc\u00dfe' }): string =>
  JSON.stringify({ context: 1, user: 15, topic: 'tickets:assigned', id, payload });

const each = (check: (language: Language) => Promise<void>) => Promise.all(languages.map(check));

it('every producer repeats what was refused for now or whose answer was lost, with the same ids, not before Retry-After', async () => {
  await each(async (language) => {
    edge.scripts.set(language, ['unavailable', 'throttled', 'lost', 'unavailable']);
    const body = { name: language, scopes: ['ingest' as const], rateLimitPerSecond: 3, burst: 4 };
    const { key } = await answerOf(pnsClient({ url: apiUrl, key: bootstrapKey }).POST('/v1/api-keys', { body }));
    const ids = Array.from({ length: 9 }, (_, at) => `${language}-${at}`);
    const lines = ids.map((id) => notification(id));
    const invalid = JSON.stringify({ context: 1, user: 15, topic: 'ox:mail:new', id: 'invalid', payload: {} });
    const { exitCode, output } = await produce(language, [...lines.slice(0, 2), '', invalid, ...lines.slice(2)], {
      key,
    });

    const seen = edge.seen.get(language) ?? [];
    const accepted = seen.flatMap(({ answer }) =>
      (answer?.body.notifications ?? []).filter(({ status }) => status === 'accepted').map(({ id }) => id),
    );
    expect([language, accepted.sort()]).toEqual([language, ids]);
    expect(seen.slice(0, 5).map(({ step }) => step)).toEqual([
      ...['unavailable', 'throttled', 'lost', 'unavailable'],
      'forwarded',
    ]);
    // The API itself limits this key, so it answers some requests in part.
    const limited = seen.filter(({ answer }) => answer?.body.errors?.some(({ code }) => code === 'RATE_LIMITED'));
    expect(limited.length).toBeGreaterThan(0);
    const given = new Set([...lines, invalid]);
    for (const request of seen) expect(request.lines.filter((line) => !given.has(line))).toEqual([]);
    for (const [at, { step, answeredAt }] of seen.entries()) {
      if (step !== 'unavailable' && step !== 'throttled') continue;
      const next = seen[at + 1] as Seen;
      expect(next.lines).toEqual(seen[at]?.lines);
      // The bound is a little less than a second, because timers count in whole milliseconds.
      expect(next.arrivedAt - answeredAt).toBeGreaterThan(990);
    }
    expect(output).toContain('PAYLOAD_INVALID');
    const [summary, first, duplicates] = /(\d+) accepted, (\d+) duplicates, 1 refused$/m.exec(output) ?? [output];
    expect([summary, Number(first) + Number(duplicates)]).toEqual([summary, ids.length]);
    expect(exitCode).toBe(1); // one notification was refused
  });
});

it('every producer sends batches', async () => {
  await each(async (language) => {
    const script = `batches-${language}`;
    const lines = Array.from({ length: 501 }, (_, at) => notification(`${script}-${at}`));
    const output = '501 accepted, 0 duplicates, 0 refused\n';
    expect(await produce(language, lines, { script })).toEqual({ exitCode: 0, output });
    expect(edge.seen.get(script)?.map(({ lines: sent }) => sent.length)).toEqual([500, 1]);
  });
});

it('every producer reports a request that is refused as a whole, and does not repeat it', async () => {
  await each(async (language) => {
    const script = `foreign-${language}`;
    const { exitCode, output } = await produce(language, [notification('1')], { script, key: 'guessed' });
    expect(output).toContain('API_KEY_UNKNOWN');
    expect([exitCode, edge.seen.get(script)?.length]).toEqual([1, 1]);
  });
});

it('every producer refuses a notification without the id of its event', async () => {
  await each(async (language) => {
    const script = `nameless-${language}`;
    const line = JSON.stringify({ context: 1, user: 15, topic: 'tickets:assigned', payload: {} });
    const { exitCode, output } = await produce(language, [line], { script });
    expect(output).toMatch(/needs the id of its event/);
    expect(exitCode).not.toBe(0);
    expect(edge.seen.get(script)).toBeUndefined();
  });
});
