import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(__dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'pns-fences-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** One planted import, and the start of lint's message; no message if the import is allowed. */
type Planted = readonly [file: string, text: string, refusal?: string];

const boundary = '@nx/enforce-module-boundaries';
const refused = `${boundary}: A project tagged with`;
const planted: readonly Planted[] = [
  // A stage may import only later stages, except in tests.
  ['libs/outcomes/src/index.ts', "import { Windows } from '@pns/aggregation';", refused],
  ['libs/outcomes/src/index.ts', "import { retryFailed } from '@pns/delivery';", boundary],
  ['libs/delivery/src/index.ts', "import type { DispatchModule } from '@pns/dispatch';", boundary],
  ['libs/dispatch/src/index.ts', "export { AggregationModule } from '@pns/aggregation';", refused],
  ['libs/dispatch/src/index.ts', "void import('@pns/aggregation');", refused],
  ['libs/history/src/index.ts', "import { OutcomeRecorder } from '@pns/outcomes';", boundary],
  ['libs/housekeeping/src/index.ts', "import { History } from '@pns/history';", refused],
  ['libs/aggregation/src/index.ts', "import { OutcomeRecorder } from '@pns/outcomes';"],
  ['libs/dispatch/src/index.ts', "import { retryFailed } from '@pns/delivery';"],
  ['libs/delivery/src/index.ts', "import { OutcomeRecorder } from '@pns/outcomes';"],
  ['libs/dispatch/src/dispatch.int-spec.ts', "import { AggregationModule } from '@pns/aggregation';"],
  // Stages and platform must not import transports; platform must not import stages.
  ['libs/delivery/src/index.ts', "import { ApnsTransport } from '@pns/transport-apns';", refused],
  ['libs/queue/src/index.ts', "import { OutcomeRecorder } from '@pns/outcomes';", boundary],
  ['libs/queue/src/index.ts', "import { fcmToken } from '@pns/transport-fcm/token';", refused],
  ['apps/dispatcher/src/token-forms.ts', "import { fcmToken } from '@pns/transport-fcm/token';"],
  // Only some packages may import frameworks.
  ...['@nestjs/common', '@nestjs/core', 'bullmq', 'typeorm', 'ioredis', 'pg', 'fastify'].flatMap((name): Planted[] => [
    ['libs/transports/apns/src/index.ts', `import '${name}';`, refused],
    ['libs/transports/webhook/src/index.ts', `import type * as framework from '${name}';`, refused],
    ['libs/topics/src/index.ts', `import '${name}';`, refused],
    ['libs/queue/src/index.ts', `import '${name}';`],
  ]),
  ['libs/transports/apns/src/index.ts', "import { z } from 'zod';"],
  ['libs/transports/apns/src/index.ts', "import { WnsTransport } from '@pns/transport-wns';", refused],
  ['libs/transports/apns/src/index.ts', "import { Queues } from '@pns/queue';", refused],
  ['libs/transports/apns/src/index.ts', "import { pushContent } from '@pns/payloads';"],
  // Production code must not import code that only tests use.
  ...['@pns/local-servers', '@pns/sandbox'].flatMap((name): Planted[] => [
    ['apps/api/src/server.ts', `import '${name}';`, refused],
    ['libs/delivery/src/index.ts', `import '${name}';`, refused],
    ['libs/transports/apns/src/index.ts', `import '${name}';`, refused],
    ['libs/queue/src/index.ts', `import '${name}';`, refused],
    ['libs/topics/src/index.ts', `import '${name}';`, refused],
    ['apps/standalone/src/start.ts', `import '${name}';`],
    ['apps/api/src/http/openapi.int-spec.ts', `import '${name}';`],
    ['libs/transports/apns/src/apns.contract.int-spec.ts', `import '${name}';`],
  ]),
  ['libs/delivery/src/testing/delivery-stage.ts', "import { freshDatabase } from '@pns/local-servers';"],
  ['libs/delivery/src/index.ts', "import { farSide } from './testing/far-side';", 'no-restricted-imports'],
  ['apps/api/src/http/fields.ts', "import '../json/testing/json-texts';", 'no-restricted-imports'],
  ['libs/delivery/src/turns.ts', "import '@pns/transport-contract/testing';", 'no-restricted-imports'],
  ['libs/delivery/src/turns.spec.ts', "import { farSide } from './testing/far-side';"],
  // No package may import an app.
  ['apps/api/src/server.ts', "import { startDispatcher } from '@pns/dispatcher';", refused],
  ['libs/delivery/src/index.ts', "import { startDispatcher } from '@pns/dispatcher';", boundary],
];

async function lint(files: readonly Planted[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [join(root, 'apps', 'e2e', 'scripts', 'lint-planted.mjs')], {
    env: { ...process.env, ...env },
  });
  child.stdin.on('error', () => undefined); // the child ended before it had read everything; the reason is in its output
  child.stdin.end(JSON.stringify(files.map(([file, content]) => ({ file, text: `${content}\n` }))));
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, output: out + errors };
}

function messagesIn(output: string): string[][] {
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as string[][];
}

it('lint refuses each planted import that the layers forbid, and no other', async () => {
  const { output } = await lint(planted);
  const messages = messagesIn(output);
  const found = planted.map(([file, content], index) => [file, content, messages[index]?.map(firstWords)]);
  expect(found).toEqual(
    planted.map(([file, content, refusal]) => [file, content, refusal === undefined ? [] : [refusal]]),
  );

  function firstWords(message: string): string {
    return [refused, boundary, 'no-restricted-imports'].find((start) => message.startsWith(start)) ?? message;
  }
});

it('lint creates the project graph if there is none', async () => {
  const { output } = await lint([planted[0] as Planted], { NX_WORKSPACE_DATA_DIRECTORY: join(folder, 'empty') });
  expect(messagesIn(output)).toEqual([[expect.stringContaining('stage:4')]]);
});

it('lint fails if no project graph can be created', async () => {
  const file = join(folder, 'no-folder');
  writeFileSync(file, '');
  const { code, output } = await lint([planted[0] as Planted], { NX_WORKSPACE_DATA_DIRECTORY: join(file, 'below') });
  expect(code).not.toBe(0);
  expect(output).toMatch(/Error/);
});

interface Project {
  readonly name: string;
  readonly folder: string;
  readonly tags: readonly string[];
}

const projects: readonly Project[] = ['apps', 'libs', 'libs/transports'].flatMap((parent) =>
  readdirSync(join(root, parent)).flatMap((name) => {
    try {
      const manifest = readFileSync(join(root, parent, name, 'package.json'), 'utf8');
      const { nx } = JSON.parse(manifest) as { readonly nx: { readonly tags: readonly string[] } };
      return [{ name, folder: join(root, parent, name), tags: nx.tags }];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }),
);

it('every project has one layer, and every stage its place in the order', () => {
  const isLayer = (tag: string) =>
    /^layer:(composition|app|stage|transport|transport-platform|platform|domain|testing)$/.test(tag);
  const isPlace = (tag: string) => /^stage:[1-4]$/.test(tag);
  const wrong = projects.filter(({ tags }) => {
    const places = tags.filter(isPlace).length;
    return tags.filter(isLayer).length !== 1 || places !== (tags.includes('layer:stage') ? 1 : 0);
  });
  expect(wrong).toEqual([]);
});

it('every project leaves its testing folders out of the build', () => {
  const building = projects.filter(({ folder: project }) => {
    const files = readdirSync(join(project, 'src'), { recursive: true }) as string[];
    if (!files.some((file) => file.split(/[\\/]/).includes('testing'))) return false;
    const { exclude } = JSON.parse(readFileSync(join(project, 'tsconfig.json'), 'utf8')) as { exclude: string[] };
    return !exclude.includes('src/**/testing');
  });
  expect(building).toEqual([]);
});
