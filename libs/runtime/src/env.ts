import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { PnsError } from './errors';
import './validation-sentences';

/** The prefix of secrets that `npm start` generates. They are stored in files, and production refuses to start with them. */
export const developmentPrefix = 'pns-development-';

/** Only decimal digits: `Number` also reads other texts, for example a blank as 0. */
function wholeNumber(min: number, max: number) {
  const sentence = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, sentence)
    .transform(Number)
    .refine((number) => number >= min && number <= max, sentence);
}

function oneOf<const Word extends string>(...words: readonly [Word, ...Word[]]) {
  return z.enum(words, `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
}

const port = wholeNumber(0, 65_535);
const listenHost = z
  .string()
  .refine((host) => isIP(host) !== 0 || host === 'localhost', 'must be an IP address, for example :: or 127.0.0.1');

const encryptionKeyBytes = 32;

/** Keys of 32 bytes in base64, base64url or hex, separated by commas. */
const encryptionKeys = z.string().transform((text, context) => {
  const keys = text.split(',').map((key) => {
    const trimmed = key.trim();
    return Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64');
  });
  if (keys.some(({ length }) => length !== encryptionKeyBytes)) {
    const message = 'must be one or more keys of 32 bytes, separated by commas, each as from: openssl rand -base64 32';
    context.addIssue({ code: 'custom', message });
  }
  return keys;
});

/** Addresses and networks, separated by commas. */
const networks = z.string().transform((text, context) => {
  const entries = text.split(',').map((entry) => entry.trim());
  const isNetwork = (entry: string): boolean => {
    const [address = '', prefix = '0', ...more] = entry.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    return isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits && more.length === 0;
  };
  if (entries.every(isNetwork)) return entries;
  context.addIssue({ code: 'custom', message: 'must be addresses or networks (10.0.0.0/8), separated by commas' });
  return z.NEVER;
});

const apiKey = z.string().min(16, 'must be at least 16 characters long');

/** RFC 7518, 3.2: a key for HS256 has at least the length of its digest. */
const sessionSecret = z.string().refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes long');

/** Nothing connects to port 0, which means any free port. The URL may name several hosts. */
function hasUsablePorts(url: string): boolean {
  const [, hosts = ''] = /^[^:]*:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url) ?? [];
  return hosts.split(',').every((host) => !/:0+$/.test(host));
}

const portSentence = 'must be a URL without port 0, to which nothing connects';

/** The source of the keys decides about access, so only this machine is trusted without a certificate. */
const jwksUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isTrusted = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url !== undefined && isTrusted && url.username === '' && url.password === '' && hasUsablePorts(text)) return url;
  const message =
    isTrusted && !hasUsablePorts(text)
      ? portSentence
      : 'must be an https:// URL without an account, or http:// on this machine';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

const otlpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an http:// or https:// URL',
  )
  .refine(hasUsablePorts, portSentence);
const otlpProtocol = z.literal('http/json', 'must be http/json, the only protocol in which PNS sends traces');

const samplers = ['always_on', 'always_off', 'traceidratio'] as const;
const sampler = oneOf(...samplers, ...samplers.map((name) => `parentbased_${name}` as const));
const ratio = z.string().regex(/^(0(\.\d{1,9})?|\.\d{1,9}|1(\.0{1,9})?)$/, 'must be a number from 0 to 1');

/**
 * Every environment variable that any app of PNS reads. The SDK of OpenTelemetry reads those that begin with `OTEL_` again, and others
 * of that name, which are not checked here.
 */
const schema = z.object({
  // Only known words: with a typing error the rules of production would not apply.
  NODE_ENV: oneOf('production', 'development', 'test').default('development'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
    .refine(hasUsablePorts, portSentence),
  REDIS_URL: z
    .string()
    .regex(
      /^rediss?:\/\/|^rediss?-cluster:\/\/([^@/]*@)?[\w.-]+(:\d{1,5})?(,[\w.-]+(:\d{1,5})?)*\/?$/,
      'must be a redis:// or rediss:// URL, or redis-cluster://host:port,host:port',
    )
    .refine(hasUsablePorts, portSentence),
  PNS_API_PORT: port.default(3000),
  PNS_WEBSOCKET_PORT: port.default(3001),
  PNS_SANDBOX_PORT: port.default(3002),
  PNS_SANDBOX_HOST: z.string().min(1).default('localhost'),
  PNS_TRUSTED_PROXIES: networks.default([]),
  PNS_HEALTH_PORT: port.default(3003),
  PNS_LISTEN_HOST: listenHost.default('::'),
  PNS_CONFIG_DIR: z.string().min(1).default('config'),
  PNS_SHARDS: wholeNumber(1, 1024).default(8),
  PNS_QUEUE_BOARD: oneOf('on', 'off').default('off'),
  PNS_LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent').default('info'),
  PNS_BOOTSTRAP_API_KEY: apiKey,
  PNS_SESSION_SECRET: sessionSecret.optional(),
  PNS_SESSION_JWKS_URL: jwksUrl.optional(),
  PNS_ENCRYPTION_KEY: encryptionKeys,
  PNS_DATA_DIR: z.string().min(1).default('.data'),
  // Of the command line and the sandbox. The other apps do not read them, but may be started from the same shell.
  PNS_API_URL: z.url().refine(hasUsablePorts, portSentence).optional(),
  PNS_API_KEY: z.string().optional(),
  OTEL_SDK_DISABLED: oneOf('true', 'false').optional(),
  OTEL_TRACES_EXPORTER: oneOf('otlp', 'none').optional(),
  OTEL_TRACES_SAMPLER: sampler.optional(),
  OTEL_TRACES_SAMPLER_ARG: ratio.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: otlpProtocol.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: otlpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: otlpProtocol.optional(),
});

export type Environment = z.infer<typeof schema>;
type EnvironmentName = keyof Environment;

/** The secrets, in order of their power. */
const secretNames = ['PNS_BOOTSTRAP_API_KEY', 'PNS_ENCRYPTION_KEY', 'PNS_SESSION_SECRET'] as const;

/** The variables of OpenTelemetry that are checked while traces are on. */
const ofTraces = Object.keys(schema.shape).filter((name) => name.startsWith('OTEL_'));

/** Variables whose value can also be in a file that `<name>_FILE` names, as Docker and Kubernetes provide secrets. */
const fileNames = [...secretNames, 'DATABASE_URL', 'REDIS_URL', 'PNS_API_KEY'] as const;

/** Variables that have a value. */
type Given = Readonly<Record<string, string>>;

/** Combinations of values that stop an app, each with its sentence. */
const risks: readonly (readonly [isTaken: (given: Given) => boolean, sentence: string])[] = [
  [
    (given) => isProduction(given) && given['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
    'NODE_TLS_REJECT_UNAUTHORIZED: must not be 0 where NODE_ENV is production, because others could impersonate a provider; set a certificate in NODE_EXTRA_CA_CERTS or caFile instead.',
  ],
  [
    (given) => isProduction(given) && given['PNS_SESSION_JWKS_URL']?.startsWith('http:') === true,
    'PNS_SESSION_JWKS_URL: must be an https:// URL where NODE_ENV is production.',
  ],
  [
    ({ PNS_SESSION_SECRET, PNS_SESSION_JWKS_URL }) =>
      PNS_SESSION_SECRET !== undefined && PNS_SESSION_JWKS_URL !== undefined,
    'PNS_SESSION_JWKS_URL: cannot be combined with PNS_SESSION_SECRET; remove one of them.',
  ],
  ...secretNames.flatMap((name, index) =>
    secretNames
      .slice(index + 1)
      .map(
        (other) =>
          [
            (given: Given) => given[name] !== undefined && given[name] === given[other],
            `${name}: is the same as ${other}; set a different value for each secret.`,
          ] as const,
      ),
  ),
];

/**
 * Reads the variables that an app needs, once at start, and also checks all other variables of PNS that are set. Secrets and
 * the URLs of servers can also come from files, see `fileNames`.
 *
 * @throws PnsError `ENVIRONMENT_INVALID` with one sentence that names the variable: an unknown `PNS_*` name, a missing or invalid
 *   value, a risky combination, or in production a secret that `npm start` generated.
 */
export function readEnvironment<Name extends EnvironmentName>(
  needed: readonly Name[],
  env: NodeJS.ProcessEnv = process.env,
): Pick<Environment, Name | 'NODE_ENV' | 'PNS_LOG_LEVEL'> {
  const given = withFiles(withValues(env));
  const own = [...new Set([...Object.keys(env), ...Object.keys(given)])].filter(
    (name) => name.startsWith('PNS_') && !isFileName(name),
  );
  const unknown = own.find((name) => !isKnown(name));
  if (unknown !== undefined) throw invalid(`${unknown} is not a variable that PNS knows; correct or remove it.`);
  const names = new Set<EnvironmentName>(['NODE_ENV', 'PNS_LOG_LEVEL', ...needed]);
  for (const name of [...own, ...(areTracesOn(given) ? ofTraces : [])])
    if (name in given && isKnown(name)) names.add(name);
  const values = Object.fromEntries([...names].map((name) => [name, valueOf(name, given)]));
  const risk = risks.find(([isTaken]) => isTaken(given));
  if (risk !== undefined) throw invalid(risk[1]);
  return values as Pick<Environment, Name | 'NODE_ENV' | 'PNS_LOG_LEVEL'>;
}

/**
 * The key that verifies session tokens: the URL of the identity provider's keys, or the own secret.
 *
 * @throws PnsError `ENVIRONMENT_INVALID` when neither is set
 */
export function sessionKeyOf({
  PNS_SESSION_JWKS_URL,
  PNS_SESSION_SECRET,
}: Pick<Environment, 'PNS_SESSION_JWKS_URL' | 'PNS_SESSION_SECRET'>): string | URL {
  const key = PNS_SESSION_JWKS_URL ?? PNS_SESSION_SECRET;
  if (key === undefined)
    throw invalid('PNS_SESSION_SECRET: is not set. Set it, or PNS_SESSION_JWKS_URL, and start again.');
  return key;
}

/** Whether traces are exported: only if an endpoint for them is set, and they are not switched off. */
export function areTracesOn(env: NodeJS.ProcessEnv = process.env): boolean {
  const given = withValues(env);
  const endpoint = given['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? given['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return endpoint !== undefined && given['OTEL_SDK_DISABLED'] !== 'true' && given['OTEL_TRACES_EXPORTER'] !== 'none';
}

function withValues(env: NodeJS.ProcessEnv): Given {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
}

function valueOf(name: EnvironmentName, given: Given): unknown {
  const parsed = schema.shape[name].safeParse(given[name]);
  if (!parsed.success) {
    const fault = name in given ? (parsed.error.issues[0]?.message ?? 'is invalid') : 'is not set';
    throw invalid(`${name}: ${fault}. Set it in the environment and start again.`);
  }
  if (isProduction(given) && given[name]?.startsWith(developmentPrefix) === true) {
    throw invalid(`${name}: was generated by npm start for development; set your own secret.`);
  }
  return parsed.data;
}

/**
 * Adds the values of the files that `<name>_FILE` names. A line break at the end, which editors write, is not part of a value.
 *
 * @throws PnsError `ENVIRONMENT_INVALID` when a file cannot be read or is empty, or the variable is set too
 */
export function withFiles(given: Given): Given {
  const values: Record<string, string> = { ...given };
  for (const name of fileNames) {
    const file = given[`${name}_FILE`];
    if (file === undefined) continue;
    if (name in given) throw invalid(`${name}_FILE: cannot be combined with ${name}; remove one of them.`);
    try {
      values[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      throw invalid(`${name}_FILE: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
    }
    if (values[name] === '') throw invalid(`${name}_FILE: ${file} is empty.`);
  }
  return values;
}

function isFileName(name: string): boolean {
  return fileNames.some((each) => name === `${each}_FILE`);
}

function isKnown(name: string): name is EnvironmentName {
  return Object.hasOwn(schema.shape, name);
}

function isProduction(given: Given): boolean {
  return given['NODE_ENV'] === 'production';
}

function invalid(sentence: string): PnsError {
  return new PnsError('ENVIRONMENT_INVALID', sentence);
}
