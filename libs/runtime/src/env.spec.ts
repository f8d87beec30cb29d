import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { areTracesOn, developmentPrefix, environmentFaults, readEnvironment, sessionKeyOf } from './env';

const complete = {
  DATABASE_URL: 'postgres://localhost/pns',
  PNS_BOOTSTRAP_API_KEY: 'a key of sixteen characters',
  PNS_SESSION_SECRET: 'a session secret of thirty-two bytes',
  PNS_ENCRYPTION_KEY: 'ab'.repeat(32),
};
const noSecret = { PNS_SESSION_SECRET: '' };
const endpoint = 'http://collector:4318';

describe('environmentFaults', () => {
  it('is empty if all variables are valid, also if variables that an app needs are missing', () => {
    expect(environmentFaults({ ...complete, ...noSecret })).toEqual([]);
    expect(environmentFaults({})).toEqual([]);
  });

  it('names every fault, and the URLs of servers', () => {
    const env = {
      PNS_SHRADS: '8',
      PNS_SHARDS: 'many',
      REDIS_URL: 'localhost:6379',
      DATABASE_URL: 'postgres://a:b/c@d',
    };
    expect(environmentFaults(env)).toEqual([
      expect.stringContaining('PNS_SHRADS is not a variable that PNS knows'),
      expect.stringContaining('DATABASE_URL: must be a postgres:// URL of one host'),
      expect.stringContaining('REDIS_URL: must be a redis:// or rediss:// URL'),
      expect.stringContaining('PNS_SHARDS: must be a whole number'),
    ]);
  });
});

describe('readEnvironment', () => {
  it('returns converted values and defaults', () => {
    const env = readEnvironment(['PNS_API_PORT', 'PNS_SHARDS'], { PNS_SHARDS: '16' });
    expect(env).toMatchObject({ PNS_API_PORT: 3000, PNS_SHARDS: 16, PNS_LOG_LEVEL: 'info' });
  });

  it('reads a list of encryption keys, in hex and in base64', () => {
    const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
    const text = `${keys[0].toString('hex')}, ${keys[1].toString('base64')}`;
    expect(readEnvironment(['PNS_ENCRYPTION_KEY'], { PNS_ENCRYPTION_KEY: text }).PNS_ENCRYPTION_KEY).toEqual(keys);
  });

  it.each([
    'redis://:secret@one:6379/1',
    'rediss://one',
    'redis-cluster://one,two:7000',
    'rediss-cluster://a:b@one:7000/',
  ])('accepts %s as REDIS_URL', (url) => {
    expect(readEnvironment(['REDIS_URL'], { REDIS_URL: url }).REDIS_URL).toBe(url);
  });

  it.each([
    'http://one',
    'redis-cluster://',
    'redis-cluster://one,',
    'redis-cluster://one:7000/0',
    'redis-cluster://a@b@c',
  ])('refuses %s as REDIS_URL', (url) => {
    expect(() => readEnvironment(['REDIS_URL'], { REDIS_URL: url })).toThrow('REDIS_URL: must be a redis://');
  });

  it.each(['https://id.example.com/keys', 'http://127.0.0.1:8080/keys', 'http://localhost/keys', 'http://[::1]/keys'])(
    'accepts %s as PNS_SESSION_JWKS_URL',
    (text) => {
      const env = readEnvironment(['PNS_SESSION_JWKS_URL', 'PNS_SESSION_SECRET'], { PNS_SESSION_JWKS_URL: text });
      expect(sessionKeyOf(env)).toEqual(new URL(text));
    },
  );

  it('requires a session secret if no identity provider is set', () => {
    const secret = 's'.repeat(32);
    const names = ['PNS_SESSION_JWKS_URL', 'PNS_SESSION_SECRET'] as const;
    const empty = { PNS_SESSION_JWKS_URL: '', PNS_SESSION_SECRET: secret };
    expect(sessionKeyOf(readEnvironment(names, empty))).toBe(secret);
    expect(() => sessionKeyOf(readEnvironment(names, {}))).toThrow('PNS_SESSION_SECRET: is not set');
  });

  it.each([
    [false, 'no variable is set', {}],
    [false, 'the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [
      false,
      'only other variables of OpenTelemetry are set',
      { OTEL_SERVICE_NAME: 'pns', OTEL_TRACES_SAMPLER: 'always_on' },
    ],
    [true, 'an endpoint is set', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }],
    [true, 'an endpoint for traces is set', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces` }],
    [false, 'the SDK is disabled', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'true' }],
    [false, 'traces are not exported', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' }],
  ])('traces are on: %s, if %s', (isOn, _, env) => {
    expect(areTracesOn(env)).toBe(isOn);
  });

  const faultyTraces = [
    ['OTEL_TRACES_SAMPLER', 'never'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/protobuf'],
    ['OTEL_TRACES_SAMPLER_ARG', '10 %'],
    ['OTEL_SDK_DISABLED', 'yes'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ] as const;

  it.each(faultyTraces)('checks %s in every app, unless traces are off', (name, value) => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    expect(() => readEnvironment([], { ...on, [name]: value })).toThrow(`${name}: `);
    for (const off of [{}, { ...on, OTEL_SDK_DISABLED: 'true' }, { ...on, OTEL_TRACES_EXPORTER: 'none' }]) {
      const env = { [name]: value, ...off };
      if (!areTracesOn(env)) expect(readEnvironment([], env)).toEqual(readEnvironment([], {}));
    }
  });

  it.each<
    ['DATABASE_URL' | 'REDIS_URL' | 'PNS_SESSION_JWKS_URL' | 'PNS_API_URL' | 'OTEL_EXPORTER_OTLP_ENDPOINT', string]
  >([
    ['DATABASE_URL', 'postgres://pns:a:0@db:0/pns'],
    ['DATABASE_URL', 'postgres://[::1]:00/pns'],
    ['REDIS_URL', 'redis://cache:0'],
    ['REDIS_URL', 'redis://:p@ss@cache:0/1'],
    ['REDIS_URL', 'redis-cluster://one:6379,two:0,three:6379'],
    ['PNS_SESSION_JWKS_URL', 'https://idp.example.com:0/jwks'],
    ['PNS_API_URL', 'http://localhost:0'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector:0'],
  ])('refuses port 0 in %s=%s', (name, url) => {
    expect(() => readEnvironment([name], { [name]: url })).toThrow(`${name}: must be a URL without port 0`);
  });

  it.each<['DATABASE_URL' | 'REDIS_URL', string]>([
    ['DATABASE_URL', 'postgres://pns:secret:0@db/pns'],
    ['DATABASE_URL', 'postgres://pns@[::0]/pns'],
    ['REDIS_URL', 'redis-cluster://one:6379,two:10000'],
    ['REDIS_URL', 'redis://:pw:0@cache:6380/0'],
  ])('accepts %s=%s', (name, url) => {
    expect(readEnvironment([name], { [name]: url })).toMatchObject({ [name]: url });
  });

  it('checks no endpoint while the SDK is disabled', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318', OTEL_SDK_DISABLED: 'true' };
    expect(readEnvironment([], env)).toEqual(readEnvironment([], {}));
  });

  it('accepts the variables of OpenTelemetry that PNS does not use', () => {
    expect(readEnvironment([], { OTEL_BSP_MAX_QUEUE_SIZE: '9', OTEL_LATER: 'x' })).toEqual(readEnvironment([], {}));
  });

  it('checks the variables of other apps too, but requires none of them', () => {
    expect(readEnvironment([], {})).toEqual({ NODE_ENV: 'development', PNS_LOG_LEVEL: 'info' });
    expect(() => readEnvironment([], { PNS_SHARDS: 'many' })).toThrow('PNS_SHARDS: ');
    expect(() => readEnvironment([], { PNS_ENCRYPTION_KEY: 'short' })).toThrow('PNS_ENCRYPTION_KEY: ');
  });

  it.each([
    ['PNS_API_PORT', ['eighty', '70000', '-1', '80.5', '1e3', '0x50', ' ', '3000 ', 'Infinity', '3000;']],
    ['PNS_SHARDS', ['many', '0', '1025', '8.0']],
    ['PNS_QUEUE_BOARD', ['yes', 'true', 'ON']],
    ['PNS_LOG_LEVEL', ['verbose', 'INFO']],
    ['NODE_ENV', ['prod', 'Production']],
    ['PNS_LISTEN_HOST', ['*', 'everywhere', '10.0.0', ':::', '0.0.0.0:3000']],
    ['DATABASE_URL', ['mysql://db', 'localhost']],
    ['REDIS_URL', ['http://one', 'localhost:6379']],
    ['OTEL_SDK_DISABLED', ['yes', '1']],
    ['OTEL_TRACES_EXPORTER', ['zipkin', 'otlp,console']],
    ['OTEL_TRACES_SAMPLER', ['always', 'jaeger_remote', 'parentbased']],
    ['OTEL_TRACES_SAMPLER_ARG', ['10 %', '1.5', '-0.1', '1e-3', '.']],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', ['collector:4318', 'grpc://collector', 'collector']],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', ['grpc', 'http/protobuf']],
  ])('reports an invalid %s in one sentence with the valid values', (name, values) => {
    for (const value of values) {
      const sentence = new RegExp(`^${name}: must be [^:]+(:.*)?\\. Set it in the environment and start again\\.$`);
      const read = () => readEnvironment([name as 'PNS_API_PORT'], { [name]: value });
      expect(read).toThrow(sentence);
      expect(read).not.toThrow(/[Ii]nvalid|expected|NaN/);
    }
  });

  it.each([
    ['PNS_LISTEN_HOST', '::'],
    ['PNS_LISTEN_HOST', '0.0.0.0'],
    ['PNS_LISTEN_HOST', '::1'],
    ['PNS_LISTEN_HOST', 'localhost'],
  ] as const)('reads %s=%s unchanged', (name, value) => {
    expect(readEnvironment([name], { [name]: value })[name]).toBe(value);
  });

  it.each([
    ['an unknown name', { PNS_API_PROT: '3000' }, 'PNS_API_PROT'],
    ['a port that is none', { PNS_API_PORT: 'eighty' }, 'PNS_API_PORT: must be a whole number from 0 to 65535'],
    ['a port out of range', { PNS_API_PORT: '70000' }, 'PNS_API_PORT'],
    ['a missing value', { DATABASE_URL: '' }, 'DATABASE_URL: is not set'],
    ['another database', { DATABASE_URL: 'mysql://db' }, 'DATABASE_URL'],
    ['a session secret of 31 bytes', { PNS_SESSION_SECRET: 's'.repeat(31) }, 'PNS_SESSION_SECRET: must be'],
    ['a short API key', { PNS_BOOTSTRAP_API_KEY: 'short' }, 'PNS_BOOTSTRAP_API_KEY: must be'],
    ['an encryption key of 16 bytes', { PNS_ENCRYPTION_KEY: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'openssl rand -base64 32'],
    ['an environment of another name', { NODE_ENV: 'prod' }, 'NODE_ENV: must be production, development or test'],
    ['keys over plain HTTP', { ...noSecret, PNS_SESSION_JWKS_URL: 'http://id.example.com/' }, 'PNS_SESSION_JWKS_URL: '],
    ['keys of an account', { ...noSecret, PNS_SESSION_JWKS_URL: 'https://a:b@one/' }, 'PNS_SESSION_JWKS_URL: '],
    ['keys at no URL', { ...noSecret, PNS_SESSION_JWKS_URL: 'id.example.com' }, 'PNS_SESSION_JWKS_URL: '],
    [
      'keys over plain HTTP in production',
      { ...noSecret, NODE_ENV: 'production', PNS_SESSION_JWKS_URL: 'http://localhost/keys' },
      'PNS_SESSION_JWKS_URL: must be an https:// URL',
    ],
    [
      'two keys for sessions',
      { PNS_SESSION_JWKS_URL: 'https://id.example.com/keys' },
      'PNS_SESSION_JWKS_URL: cannot be combined',
    ],
    [
      'the same value for two secrets',
      { PNS_BOOTSTRAP_API_KEY: complete.PNS_SESSION_SECRET },
      'PNS_BOOTSTRAP_API_KEY: is the same',
    ],
    ['one secret for others', { PNS_SESSION_SECRET: complete.PNS_ENCRYPTION_KEY }, 'PNS_ENCRYPTION_KEY: is the same'],
    [
      'unchecked certificates in production',
      { NODE_ENV: 'production', NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'NODE_TLS_REJECT_UNAUTHORIZED: ',
    ],
    [
      'a development key in production',
      { NODE_ENV: 'production', PNS_BOOTSTRAP_API_KEY: `${developmentPrefix}${'k'.repeat(43)}` },
      'PNS_BOOTSTRAP_API_KEY: was generated by npm start',
    ],
    [
      'a development secret in production',
      { NODE_ENV: 'production', PNS_SESSION_SECRET: `${developmentPrefix}${'k'.repeat(43)}` },
      'PNS_SESSION_SECRET: was generated by npm start',
    ],
  ])('stops at %s', (_, wrong, sentence) => {
    const needed = [
      'PNS_API_PORT',
      'DATABASE_URL',
      'PNS_BOOTSTRAP_API_KEY',
      'PNS_SESSION_SECRET',
      'PNS_ENCRYPTION_KEY',
    ] as const;
    expect(() => readEnvironment(needed, complete)).not.toThrow();
    expect(() => readEnvironment(needed, { ...complete, ...wrong })).toThrow(sentence);
  });
});

describe('trusted proxies', () => {
  const read = (value?: string) =>
    readEnvironment(['PNS_TRUSTED_PROXIES'], value === undefined ? {} : { PNS_TRUSTED_PROXIES: value })
      .PNS_TRUSTED_PROXIES;

  it.each<[string | undefined, string[]]>([
    [undefined, []],
    ['', []],
    ['10.0.0.1', ['10.0.0.1']],
    ['10.0.0.0/8, 2001:db8::/32,::1', ['10.0.0.0/8', '2001:db8::/32', '::1']],
  ])('%j are %j', (value, networks) => {
    expect(read(value)).toEqual(networks);
  });

  it.each(['any', '10.0.0.0/33', '10.0.0.0/', '::1/129', '10.0.0.0/8/8', '10.0.0.1,', '*', '10.0.0.0/-1'])(
    'cannot be %j',
    (value) => {
      expect(() => read(value)).toThrow('PNS_TRUSTED_PROXIES: must be addresses or networks');
    },
  );
});

describe('a variable in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-env-'));
  const file = (text: string): string => {
    const path = join(folder, 'secret');
    writeFileSync(path, text);
    return path;
  };

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['DATABASE_URL', 'postgres://localhost/pns'],
    ['REDIS_URL', 'redis://localhost'],
    ['PNS_BOOTSTRAP_API_KEY', 'a key of sixteen characters'],
    ['PNS_SESSION_SECRET', 'a session secret of thirty-two bytes'],
  ] as const)('%s is read without the line break at its end', (name, value) => {
    for (const end of ['', '\n', '\r\n']) {
      expect(readEnvironment([name], { [`${name}_FILE`]: file(value + end) })[name]).toBe(value);
    }
  });

  it('is checked like any other value', () => {
    expect(() => readEnvironment([], { PNS_ENCRYPTION_KEY_FILE: file('short') })).toThrow(
      'PNS_ENCRYPTION_KEY: must be',
    );
    const secret = { NODE_ENV: 'production', PNS_SESSION_SECRET_FILE: file(`${developmentPrefix}${'x'.repeat(32)}`) };
    expect(() => readEnvironment([], secret)).toThrow('PNS_SESSION_SECRET: was generated by npm start');
  });

  it.each([
    [{ PNS_SESSION_SECRET_FILE: join(folder, 'none') }, 'PNS_SESSION_SECRET_FILE: .* cannot be read \\(ENOENT\\)'],
    [{ PNS_SESSION_SECRET_FILE: folder }, 'PNS_SESSION_SECRET_FILE: .* cannot be read \\(EISDIR\\)'],
    [
      { DATABASE_URL_FILE: file(''), DATABASE_URL: 'postgres://a' },
      'DATABASE_URL_FILE: cannot be combined with DATABASE_URL',
    ],
    [{ PNS_SHARDS_FILE: file('8') }, 'PNS_SHARDS_FILE is not a variable that PNS knows'],
  ])('is refused: %p', (env, sentence) => {
    expect(() => readEnvironment([], env)).toThrow(new RegExp(sentence));
  });

  it('must not be empty', () => {
    expect(() => readEnvironment([], { REDIS_URL_FILE: file('\n') })).toThrow(/REDIS_URL_FILE: .* is empty/);
  });
});
