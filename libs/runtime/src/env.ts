import { z } from 'zod';
import { PnsError } from './errors';

/** The values that `npm start` and the examples use; production refuses to run with any of them. */
export const developmentSecrets: ReadonlySet<string> = new Set([
  'pns-development-key',
  'pns-development-session-secret',
]);

const port = z.coerce.number().int().min(0).max(65_535);
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

const secret = z.string().min(16, 'must be at least 16 characters long');

/** Every environment variable that any app of PNS reads. */
const schema = z.object({
  NODE_ENV: z.string().default('development'),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL'),
  REDIS_URL: z
    .string()
    .regex(
      /^rediss?:\/\/|^rediss?-cluster:\/\/([^@/]*@)?[\w.-]+(:\d{1,5})?(,[\w.-]+(:\d{1,5})?)*\/?$/,
      'must be a redis:// or rediss:// URL, or redis-cluster://host:port,host:port',
    ),
  PNS_API_PORT: port.default(3000),
  PNS_WEBSOCKET_PORT: port.default(3001),
  PNS_SANDBOX_PORT: port.default(3002),
  PNS_HEALTH_PORT: port.default(3003),
  PNS_CONFIG_DIR: z.string().min(1).default('config'),
  PNS_SHARDS: z.coerce.number().int().min(1).max(1024).default(8),
  PNS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  PNS_BOOTSTRAP_API_KEY: secret,
  PNS_SESSION_SECRET: secret,
  PNS_ENCRYPTION_KEY: encryptionKeys,
  PNS_DATA_DIR: z.string().min(1).default('.data'),
});

export type Environment = z.infer<typeof schema>;
export type EnvironmentName = keyof Environment;

/**
 * Reads what an app needs from the environment, once, at start.
 *
 * @throws PnsError `ENVIRONMENT_INVALID` with one sentence that names the variable: an unknown `PNS_*` name, a missing
 *   or bad value, or in production a secret that is published in our own examples.
 */
export function readEnvironment<Name extends EnvironmentName>(
  needed: readonly Name[],
  env: NodeJS.ProcessEnv = process.env,
): Pick<Environment, Name | 'NODE_ENV' | 'PNS_LOG_LEVEL'> {
  for (const name of Object.keys(env)) {
    if (name.startsWith('PNS_') && !(name in schema.shape)) {
      throw new PnsError('ENVIRONMENT_INVALID', `${name} is not a variable that PNS knows; correct or remove it.`);
    }
  }
  const names: readonly EnvironmentName[] = ['NODE_ENV', 'PNS_LOG_LEVEL', ...needed];
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const given = env[name] === '' ? undefined : env[name];
    const parsed = schema.shape[name].safeParse(given);
    if (!parsed.success) {
      const fault = given === undefined ? 'is not set' : (parsed.error.issues[0]?.message ?? 'is invalid');
      throw new PnsError('ENVIRONMENT_INVALID', `${name}: ${fault}. Set it in the environment and start again.`);
    }
    if (env['NODE_ENV'] === 'production' && developmentSecrets.has(String(parsed.data))) {
      throw new PnsError('ENVIRONMENT_INVALID', `${name} still has the development value; set a secret of your own.`);
    }
    values[name] = parsed.data;
  }
  return values as Pick<Environment, Name | 'NODE_ENV' | 'PNS_LOG_LEVEL'>;
}
