import { isClientId } from '@pns/subscriptions';
import { bundleSentence, hasUsablePort, isCertificateBundle, pemText, textFault } from '@pns/transport-contract';
import { z } from 'zod';

/** The kinds of a push, by Microsoft's names. */
const wnsTypes = ['toast', 'tile', 'badge', 'raw'] as const;
/** One of `wnsTypes`. */
export type WnsType = (typeof wnsTypes)[number];

const text = z.string({ error: textFault });

const printable = text.regex(
  /^[!-~]+$/,
  'may only contain printable ASCII characters without blanks, and must not be empty',
);

const fields = z.strictObject(
  {
    enabled: z.boolean().default(true),
    sid: printable.max(256),
    secret: printable.max(1024),
    tenantId: text
      .regex(/^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/, 'must be the directory (tenant) id, a GUID')
      .optional(),
    type: z.enum(wnsTypes, { error: `must be one of ${wnsTypes.join(', ')}` }).default('toast'),
    tokenEndpoint: text
      .refine(isHttpsUrl, { error: 'must be an https URL without credentials, query and fragment' })
      .refine(hasUsablePort, { error: 'has port 0, to which nothing connects' })
      .optional(),
    allowedHosts: z
      .array(
        text
          .refine(isHost, { error: 'must be a host in lower case, perhaps with a port, such as localhost:3005' })
          .refine((host) => hasUsablePort(`https://${host}`), { error: 'has port 0, to which nothing connects' }),
      )
      .max(100)
      .default([]),
    caFile: text.max(1_000_000).transform(pemText).refine(isCertificateBundle, { error: bundleSentence }).optional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : undefined) },
);

/** The options of one client with all defaults. */
export type WnsOptions = Readonly<z.infer<typeof fields>>;

/**
 * The options of one client as the API accepts them: `caFile` is PEM text. The form of `sid` is checked only if the client is
 * enabled, because the `sid` in the original's example is not valid.
 */
export const wnsOptions: z.ZodType<WnsOptions> = fields.check((context) => {
  const { enabled, sid, tenantId } = context.value;
  const isSid =
    tenantId === undefined ? /^ms-app:\/\/S-1-15-2(?:-\d+)+$/i : /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i;
  if (!enabled || isSid.test(sid)) return;
  const message =
    tenantId === undefined
      ? 'must be the Package SID of Partner Center, such as ms-app://s-1-15-2-…; an app that is registered with Microsoft Entra needs tenantId too'
      : 'must be the application (client) id, a GUID, where tenantId is set';
  context.issues.push({ code: 'custom', message, path: ['sid'], input: context.value });
});

/** The fields that the API never returns. */
export const wnsSecretFields: readonly string[] = ['secret'];

const clientId = z
  .string()
  .refine(isClientId, { error: 'A client id is 1 to 64 letters, digits, underscores, dots and dashes' });

/**
 * The schema of `pns-wns-options.yml`: client ids and their options. `caFile` is the path of a file, which may be missing if the
 * client is not enabled. The rules are the same in every environment.
 */
export function wnsOptionsFileFor(
  _nodeEnv: string,
  readFile: (path: string) => Buffer,
): z.ZodType<Readonly<Record<string, WnsOptions>>> {
  const entry = z.unknown().transform((given, context) => {
    const { caFile: path, enabled } = (given ?? {}) as { caFile?: unknown; enabled?: unknown };
    if (typeof path !== 'string') return given;
    if (enabled === false) return { ...(given as object), caFile: undefined };
    try {
      return { ...(given as object), caFile: readFile(path).toString() };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      const message = `cannot be read (${code}); it must be the path of a certificate in PEM`;
      context.issues.push({ code: 'custom', message, path: ['caFile'], input: given });
      return z.NEVER;
    }
  });
  return z.record(clientId, entry.pipe(wnsOptions));
}

function unknownFields(names: readonly string[]): string {
  return `${names.join(', ')} is not a field of a WNS client; the known ones are ${Object.keys(fields.shape).join(', ')}`;
}

function isHttpsUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password, search, hash } = new URL(url);
  return protocol === 'https:' && [username, password, search, hash].every((part) => part === '');
}

function isHost(host: string): boolean {
  return /^[a-z0-9.:[\]-]+$/.test(host) && URL.canParse(`https://${host}`) && new URL(`https://${host}`).host === host;
}
