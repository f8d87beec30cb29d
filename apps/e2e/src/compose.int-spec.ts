import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@pns/local-servers';
import { startSandbox } from '@pns/sandbox';
import { parse } from 'yaml';

interface Service {
  readonly restart?: string;
  readonly logging?: object;
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly string[];
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: unknown;
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly interval: string;
    readonly timeout: string;
  };
}

const root = join(__dirname, '..', '..', '..');
const file = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const { services } = parse(file, { merge: true }) as { readonly services: Readonly<Record<string, Service>> };

const seconds = (duration = ''): number => Number(/^(\d+)s$/.exec(duration)?.[1]);

describe.each(Object.entries(services))('the service %s', (name, service) => {
  it('is restarted, is bounded, and has only the rights that it needs', () => {
    expect(service).toMatchObject({
      restart: 'unless-stopped',
      logging: { options: { 'max-size': expect.any(String) as string } },
      mem_limit: expect.stringMatching(/^\$\{PNS_[A-Z_]+:-\d+g\}$/) as string,
      pids_limit: expect.any(Number) as number,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(service.cap_add).toBeUndefined();
  });

  it('is checked by a program that is not Node and ends by itself, and not more often than every 30 s', () => {
    const { test = [], interval, timeout } = service.healthcheck ?? {};
    const words = test.join(' ').split(' ');
    expect(words.slice(0, 3)).toEqual([expect.stringMatching(/^CMD/), 'timeout', '3']);
    expect(words).not.toContain('node');
    expect(seconds(interval)).toBeGreaterThanOrEqual(30);
    expect(seconds(timeout)).toBeGreaterThan(3); // Docker 20.10 does not end a check that takes too long
  });

  it('is published on the loopback address unless the operator says otherwise', () => {
    for (const port of service.ports ?? []) {
      expect(port).toMatch(/^\$\{PNS_BIND:-127\.0\.0\.1\}:\$\{PNS_[A-Z]+_PORT:-\d+\}:\d+$/);
    }
  });

  it('waits for no health check of another one, which a busy machine may fail', () => {
    expect(JSON.stringify(service.depends_on ?? [])).not.toContain('condition');
  });

  it('reaches Redis with its password', () => {
    const url = service.environment?.['REDIS_URL'];
    if (name === 'redis') expect(service.command).toContain('--requirepass ${PNS_REDIS_PASSWORD}');
    else if (url !== undefined) expect(url).toMatch(/^redis:\/\/:\$\{PNS_REDIS_PASSWORD:\?[^}]+\}@redis:6379$/);
  });
});

it('the command line finds the API from a container of its own', () => {
  expect(services['api']?.environment).toMatchObject({ PNS_API_URL: 'http://api:3000' });
});

it('every variable that the file needs has a value after deploy/init-env.sh, and the secrets are all different', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-compose-'));
  try {
    mkdirSync(join(folder, 'deploy'));
    cpSync(join(root, 'deploy', 'init-env.sh'), join(folder, 'deploy', 'init-env.sh'));
    cpSync(join(root, '.env.example'), join(folder, '.env.example'));
    execFileSync('sh', [join(folder, 'deploy', 'init-env.sh')]);
    const lines = readFileSync(join(folder, '.env'), 'utf8').matchAll(/^([A-Z_]+)=(.*)$/gm);
    const values = new Map([...lines].map(([, name = '', value = '']) => [name, value]));
    const needed = [...new Set([...file.matchAll(/\$\{([A-Z_]+):?\?/g)].map(([, name = '']) => name))];
    expect(needed).toContain('PNS_REDIS_PASSWORD');
    const secrets = needed.map((name) => values.get(name));
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(secrets).size).toBe(needed.length);
    const optional = [...file.matchAll(/\$\{([A-Z_]+):-/g)].map(([, name = '']) => name);
    const example = readFileSync(join(root, '.env.example'), 'utf8');
    for (const name of optional) expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('deploy/compose.quick-start.yml checks every service more often while it starts, and changes nothing else', () => {
  const quick = parse(readFileSync(join(root, 'deploy', 'compose.quick-start.yml'), 'utf8'), { merge: true }) as {
    readonly services: object;
  };
  const names = Object.keys(services);
  expect(quick.services).toEqual(
    Object.fromEntries(names.map((name) => [name, { healthcheck: { start_interval: '2s' } }])),
  );
});

describe('the health check of an app', () => {
  let server: Server | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'pns-check-'));

  // The PATH of the check has only these two programs, so a check that starts Node or another program fails.
  beforeAll(() => {
    for (const name of ['timeout', 'bash']) {
      symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(folder, name));
    }
  });
  afterEach(() => server?.close());
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs the health check of a service with another port. The image has the script of `deploy` in its working folder. */
  async function exitCode(port: number, service = 'api'): Promise<number | null> {
    const [kind, program = '', ...args] = services[service]?.healthcheck?.test ?? [];
    expect(kind).toBe('CMD');
    const options = { cwd: join(root, 'deploy'), env: { PATH: folder } };
    const child = spawn(join(folder, program), [...args.slice(0, -1), String(port)], options);
    const [code] = (await once(child, 'close')) as [number | null];
    return code;
  }

  it.each(Object.keys(services).filter((name) => name !== 'postgres' && name !== 'redis'))(
    'of %s: succeeds while an app answers at the port, and fails after it has ended',
    async (name) => {
      const port = { api: '3000', sandbox: '3002' }[name] ?? '3003';
      expect(services[name]?.healthcheck?.test.at(-1)).toBe(port);
      const app = await startSandbox({ port: 0, hasProviders: false });
      expect(await exitCode(app.port, name)).toBe(0);
      await app.close();
      expect(await exitCode(app.port, name)).toBe(1);
    },
  );

  async function listening(started: Server): Promise<number> {
    server = started.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  it.each([
    [200, 0],
    [503, 1],
    [404, 1],
  ])('an app that answers %s: ends with %s', async (status, code) => {
    const paths: (string | undefined)[] = [];
    const port = await listening(
      createHttpServer((request, response) => {
        paths.push(request.url);
        response.writeHead(status).end('{}');
      }),
    );
    expect(await exitCode(port)).toBe(code);
    expect(paths).toEqual(['/health/live']);
  });

  it('fails if nothing listens', async () => {
    expect(await exitCode(await freePort())).not.toBe(0);
  });

  it('fails for an app that accepts connections and does not answer', async () => {
    const sockets: (() => void)[] = [];
    const port = await listening(createServer((socket) => sockets.push(() => socket.destroy())));
    expect(await exitCode(port)).not.toBe(0);
    sockets.forEach((end) => end());
  });
});
