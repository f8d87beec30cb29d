import { readFileSync } from 'node:fs';
import { z } from 'zod';
import {
  apiKey,
  encryptionKeys,
  hasUsablePorts,
  jwksUrl,
  listenHost,
  networks,
  oneOf,
  otlpProtocol,
  otlpUrl,
  port,
  portSentence,
  postgresSentence,
  ratio,
  sampler,
  sessionSecret,
  wholeNumber,
} from './env-values';
import { PnsError } from './errors';

/** The prefix of secrets that `npm start` generates. They are stored in files, so no app starts with them in production. */
export const developmentPrefix = 'pns-development-';

/**
 * Every environment variable that any app of PNS reads. The SDK of OpenTelemetry itself reads all variables that begin with
 * `OTEL_`, also those that are not checked here.
 */
const schema = z.object({
  // Only known words are valid, because a mistyped `production` would switch off the rules of production.
  NODE_ENV: oneOf('production', 'development', 'test').default('development'),
  DATABASE_URL: z
    .string()
    .refine((url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url), postgresSentence)
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
  // Variables of the command line and the sandbox. All apps accept them, because an app may be started from the same shell.
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

/** The parsed variables of an app, by their names. */
export type Environment = z.infer<typeof schema>;
type EnvironmentName = keyof Environment;

/** The secrets. A secret that gives more access comes first. */
const secretNames = ['PNS_BOOTSTRAP_API_KEY', 'PNS_ENCRYPTION_KEY', 'PNS_SESSION_SECRET'] as const;

/** The variables of OpenTelemetry that are checked while traces are on. */
const ofTraces = Object.keys(schema.shape).filter((name) => name.startsWith('OTEL_'));

/** Variables whose value can also be in a file that `<name>_FILE` names, as Docker and Kubernetes provide secrets. */
const fileNames = [...secretNames, 'DATABASE_URL', 'REDIS_URL', 'PNS_API_KEY'] as const;

/** Variables that have a value. */
type Given = Readonly<Record<string, string>>;

/** Combinations of values with which no app starts, each with its sentence. */
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
  const names = checkedNames(needed, env, given);
  const [fault] = faultsOf(names, given);
  if (fault !== undefined) throw invalid(fault);
  const values = names.filter(isKnown).map((name) => [name, schema.shape[name].parse(given[name])]);
  return Object.fromEntries(values) as Pick<Environment, Name | 'NODE_ENV' | 'PNS_LOG_LEVEL'>;
}

/**
 * Returns one sentence for each fault of the variables that are set.
 *
 * @throws PnsError `ENVIRONMENT_INVALID` when the file in `<name>_FILE` cannot be read or is empty, or `<name>` is set too
 */
export function environmentFaults(env: NodeJS.ProcessEnv = process.env): string[] {
  const given = withFiles(withValues(env));
  const servers = (['DATABASE_URL', 'REDIS_URL'] as const).filter((name) => name in given);
  return faultsOf(checkedNames(servers, env, given), given);
}

/** The names of the variables that an app needs and of all other variables of PNS that are set, unknown names first. */
function checkedNames(needed: readonly EnvironmentName[], env: NodeJS.ProcessEnv, given: Given): string[] {
  const own = [...Object.keys(env), ...Object.keys(given)].filter(
    (name) => name.startsWith('PNS_') && !isFileName(name),
  );
  const others = [...own, ...(areTracesOn(given) ? ofTraces : [])].filter((name) => name in given && isKnown(name));
  const unknown = own.filter((name) => !isKnown(name));
  return [...new Set([...unknown, 'NODE_ENV', 'PNS_LOG_LEVEL', ...needed, ...others])];
}

function faultsOf(names: readonly string[], given: Given): string[] {
  const ofValues = names.flatMap((name) => faultOf(name, given) ?? []);
  return [...ofValues, ...risks.filter(([isTaken]) => isTaken(given)).map(([, sentence]) => sentence)];
}

/**
 * The key that verifies session tokens: the URL of the identity provider's keys, or the secret of PNS.
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

function faultOf(name: string, given: Given): string | undefined {
  if (!isKnown(name)) return `${name} is not a variable that PNS knows; correct or remove it.`;
  const parsed = schema.shape[name].safeParse(given[name]);
  if (!parsed.success) {
    const fault = name in given ? (parsed.error.issues[0]?.message ?? 'is invalid') : 'is not set';
    return `${name}: ${fault}. Set it in the environment and start again.`;
  }
  const isGenerated = isProduction(given) && given[name]?.startsWith(developmentPrefix) === true;
  return isGenerated ? `${name}: was generated by npm start for development; set your own secret.` : undefined;
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
