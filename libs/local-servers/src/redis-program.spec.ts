import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisProgram } from './redis-program';

const folder = mkdtempSync(join(tmpdir(), 'pns-redis-program-'));
const environment = { ...process.env };

beforeAll(() => {
  for (const name of ['redis-server', 'valkey-server']) writeFileSync(join(folder, name), '', { mode: 0o755 });
});

beforeEach(() => {
  process.env = { ...environment, PATH: folder };
});

afterAll(() => {
  process.env = environment;
  rmSync(folder, { recursive: true });
});

const found = () => redisProgram(() => undefined);

it('prefers Redis to Valkey', () => {
  expect(found()).toEqual({ kind: 'redis', file: join(folder, 'redis-server') });
});

it.each(['redis', 'valkey'] as const)('takes only the kind of TEST_REDIS: %s', (kind) => {
  process.env['TEST_REDIS'] = kind;
  expect(found()).toEqual({ kind, file: join(folder, `${kind}-server`) });
});

it('takes no other one if that is not installed', () => {
  process.env['TEST_REDIS'] = 'valkey';
  process.env['PATH'] = tmpdir();
  expect(found).toThrow('TEST_REDIS is valkey, and no valkey-server is on the PATH.');
});

it('refuses an unknown kind', () => {
  process.env['TEST_REDIS'] = 'memcached';
  expect(found).toThrow('TEST_REDIS must be one of: redis, valkey.');
});
