import { createPrivateKey } from 'node:crypto';
import { cert } from 'firebase-admin/app';
import { isClientId } from '@pns/subscriptions';
import { bundleSentence, hasUsablePort, isCertificateBundle, pemText, unmarked } from '@pns/transport-contract';
import { z } from 'zod';

/** The fields that the API never returns. */
export const fcmSecretFields: readonly string[] = ['serviceAccount', 'key'];

const defaultEndpoint = 'https://fcm.googleapis.com';
export const defaultTokenEndpoint = 'https://oauth2.googleapis.com/token';

const whereToGetOne =
  'create one in the Firebase console: Project settings, Service accounts, Generate new private key';

const legacyKey =
  'is the server key of an API that Google switched off in June 2024; remove it and set serviceAccount, ' +
  whereToGetOne;

/** The JSON file of a service account from Google, as text or as an object. Only the needed fields are kept. */
const serviceAccount = z.preprocess(
  (given) => (typeof given === 'string' ? parsedJson(unmarked(given)) : given),
  z
    .object(
      {
        type: z.literal('service_account', {
          error: `must be service_account: this is not the key of a service account; ${whereToGetOne}`,
        }),
        project_id: z.string().regex(/^[a-z0-9][a-z0-9.:-]{1,200}$/, 'must be the id of a project'),
        private_key_id: z.string().max(200).optional(),
        private_key: z
          .string()
          .max(20_000)
          .transform(pemText)
          .refine(isRsaKey, { error: 'must be an RSA private key in PEM, as Google made it' }),
        client_email: z
          .string()
          .max(320)
          .regex(/^[^\s@]+@[^\s@]+$/, 'must be the e-mail address of the service account'),
      },
      { error: `must be the JSON of a service account; ${whereToGetOne}` },
    )
    .refine(isTakenByGoogle, { error: `is not accepted by Google's own SDK; ${whereToGetOne}` }),
);

/** Whether Google's own SDK accepts an account. Google would refuse any other account. */
function isTakenByGoogle(account: { project_id: string; client_email: string; private_key: string }): boolean {
  const { project_id: projectId, client_email: clientEmail, private_key: privateKey } = account;
  try {
    cert({ projectId, clientEmail, privateKey });
    return true;
  } catch {
    return false;
  }
}

const httpsUrl = z
  .string()
  .refine(isHttpsUrl, { error: 'must be an https URL without credentials, query and fragment' })
  .refine(hasUsablePort, { error: 'has port 0, to which nothing connects' });

const certificate = z.string().max(100_000).transform(pemText).refine(isCertificateBundle, { error: bundleSentence });

const fields = z.strictObject(
  {
    enabled: z.literal(true, { error: 'must be true or false' }).default(true),
    serviceAccount,
    notification: z.boolean().default(false),
    endpoint: httpsUrl.default(defaultEndpoint),
    tokenEndpoint: httpsUrl.default(defaultTokenEndpoint),
    caFile: certificate.optional(),
    key: z.never({ error: legacyKey }).optional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : undefined) },
);

/** This schema accepts any credentials, because a copied entry may contain the original's `key`, and paths of missing files. */
const disabledFields = fields.extend({
  enabled: z.literal(false),
  serviceAccount: z.unknown().optional(),
  key: z.unknown().optional(),
  caFile: z.unknown().optional(),
});

/** The options of an enabled client with all defaults. Files are replaced by their content. */
export type EnabledFcmOptions = Readonly<z.infer<typeof fields>>;

/** The options of one client, enabled or not. */
export type FcmOptions = EnabledFcmOptions | { readonly enabled: false };

/** The options as the API accepts them: `serviceAccount` is Google's JSON, `caFile` is PEM text. */
export const fcmOptions: z.ZodType<FcmOptions> = unlessDisabled(fields);

const clientId = z
  .string()
  .refine(isClientId, { error: 'A client id is 1 to 64 letters, digits, underscores, dots and dashes' });

/**
 * The schema of `pns-gcm-options.yml`: client ids and their options. `serviceAccount` and `caFile` are paths of files. The rules
 * are the same in every environment.
 */
export function fcmOptionsFileFor(
  _nodeEnv: string,
  readFile: (path: string) => Buffer,
): z.ZodType<Readonly<Record<string, FcmOptions>>> {
  const inFile = <Schema extends z.ZodType>(what: string, schema: Schema) =>
    z.preprocess((path, context) => {
      if (typeof path !== 'string' || path === '') {
        context.addIssue(`must be the path of ${what}`);
        return z.NEVER;
      }
      try {
        return readFile(path).toString();
      } catch (error) {
        context.addIssue(
          `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'}); it must be the path of ${what}`,
        );
        return z.NEVER;
      }
    }, schema);
  const entry = fields.extend({
    serviceAccount: inFile('the JSON file of a service account', serviceAccount),
    caFile: inFile('a certificate in PEM', certificate).optional(),
  });
  return z.record(clientId, unlessDisabled(entry));
}

function unlessDisabled(schema: z.ZodType<EnabledFcmOptions>): z.ZodType<FcmOptions> {
  return z.unknown().transform((given, context): FcmOptions => {
    const isDisabled = (given as { enabled?: unknown } | null | undefined)?.enabled === false;
    const read = (isDisabled ? disabledFields : schema).safeParse(given);
    if (read.success) return isDisabled ? { enabled: false } : read.data;
    context.issues.push(...read.error.issues.map((issue) => ({ ...issue, input: given }) as z.core.$ZodRawIssue));
    return z.NEVER;
  });
}

function unknownFields(names: readonly string[]): string {
  const known = Object.keys(fields.shape).filter((name) => name !== 'key');
  return `${names.join(', ')} is not a field of an FCM client; the known ones are ${known.join(', ')}`;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

function isHttpsUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.protocol === 'https:' && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  );
}
