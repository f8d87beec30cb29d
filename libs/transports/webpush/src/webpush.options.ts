import { guardedFields, withCaFile } from '@pns/http-client';
import { isClientId } from '@pns/subscriptions';
import { z } from 'zod';
import { isPair, isPublicKey, normalKey } from './webpush.keys';
import { isContactUri, textFault } from '@pns/transport-contract';

/** The values of the header `Urgency`. Source: RFC 8030, 5.3. */
const urgencies = ['very-low', 'low', 'normal', 'high'] as const;
export type Urgency = (typeof urgencies)[number];

const maxPreviousKeys = 20;
const maxOrigins = 100;

const text = z.string({ error: textFault });

const publicKey = text
  .refine(isPublicKey, { error: 'must be an uncompressed point on the curve P-256 in base64url (65 bytes)' })
  .transform(normalKey);

const privateKey = text.regex(/^[A-Za-z0-9+/_-]{43}=?$/, 'must be 32 bytes in base64url').transform(normalKey);

const pairSentence = 'does not belong to publicKey';

const keys = z.strictObject({ publicKey, privateKey }).refine(isPair, { error: pairSentence, path: ['privateKey'] });

const fields = z.strictObject(
  {
    enabled: z.boolean().default(true),
    subject: text
      .refine(isContactUri, { error: 'must be a mailto: or https: URI, such as mailto:ops@example.com' })
      .optional(),
    publicKey: publicKey.optional(),
    privateKey: privateKey.optional(),
    previousKeys: z.array(keys).max(maxPreviousKeys).default([]),
    declarative: z.boolean().default(true),
    urgency: z.enum(urgencies, { error: `must be one of ${urgencies.join(', ')}` }).optional(),
    origins: z
      .array(text.refine(isOrigin, { error: 'must be the origin of a web page, such as https://mail.example.com' }))
      .max(maxOrigins)
      .optional(),
    ...guardedFields,
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : undefined) },
);

/** The options of one client, with every default filled in. Without keys, the client uses the keys of the server. */
export type WebpushOptions = Readonly<z.infer<typeof fields>>;

/** The schema of one client's options in the API, where `caFile` is the text of certificates in PEM. */
export const webpushOptions: z.ZodType<WebpushOptions> = fields.check(({ value, issues }) => {
  const { publicKey, privateKey } = value;
  const report = (path: string, message: string) =>
    issues.push({ code: 'custom', message, path: [path], input: undefined });
  if (publicKey === undefined && privateKey !== undefined) report('publicKey', 'is missing; privateKey needs it');
  if (privateKey === undefined && publicKey !== undefined) report('privateKey', 'is missing; publicKey needs it');
  if (publicKey !== undefined && privateKey !== undefined && !isPair({ publicKey, privateKey })) {
    report('privateKey', pairSentence);
  }
});

/** The options of a client without an entry. */
export const defaultWebpushOptions: WebpushOptions = webpushOptions.parse({});

/** The fields that the API never returns. */
export const webpushSecretFields: readonly string[] = ['privateKey', 'previousKeys'];

const clientId = z
  .string()
  .refine(isClientId, { error: 'A client id is 1 to 64 letters, digits, underscores, dots and dashes' });

/** The schema of `pns-webpush-options.yml`: client ids and their options, with `caFile` as the path of a file. */
export function webpushOptionsFileFor(
  _nodeEnv: string,
  readFile: (path: string) => Buffer,
): z.ZodType<Readonly<Record<string, WebpushOptions>>> {
  return z.record(clientId, withCaFile(readFile).pipe(webpushOptions));
}

function isOrigin(value: string): boolean {
  return /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

function unknownFields(names: readonly string[]): string {
  return `${names.join(', ')} is not a field of a Web Push client; the known ones are ${Object.keys(fields.shape).join(', ')}`;
}
