import { guardedFields } from '@pns/http-client';
import { hasUsablePort, normalUri } from '@pns/transport-contract';
import { uriValidationModes, webhookUriFault } from '@pns/subscriptions';
import { z } from 'zod';

const seconds = 1000;

/** Headers that we set ourselves or that belong to the connection. The signature header must have another name. */
const takenHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
]);

/** The characters of a header's value: visible characters of ISO-8859-1, and blanks between them. */
export const headerValue = z
  .string()
  .min(1, 'must not be empty')
  .max(4096)
  .regex(/^[!-~\xa1-\xff](?:[ -~\xa0-\xff]*[!-~\xa1-\xff])?$/, 'may only contain printable ISO-8859-1 characters');

export const password = z.string().regex(/^[ -~\xa0-\xff]*$/, 'may only contain printable ISO-8859-1 characters');

export const login = password.regex(/^[^:]+$/, 'must not contain a colon and must not be empty');

const signingSecret = z
  .string()
  .min(1, 'must not be empty')
  .max(1024)
  .refine(
    (secret) =>
      !secret.startsWith('whsec_') ||
      /^whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(secret),
    {
      error: 'begins with whsec_, so the rest must be base64 with its padding',
    },
  );

const fields = z.strictObject(
  {
    uri: z
      .string()
      .refine((uri) => webhookUriFault('none', '', uri) === undefined, {
        error: 'must be an absolute http or https URI without credentials, fragment, spaces or dot segments',
      })
      .refine(hasUsablePort, { error: 'has port 0, to which nothing connects' })
      .transform(normalUri) // `uri` is compared with URIs of subscriptions, which are in this form
      .optional(),
    uriValidationMode: z.enum(uriValidationModes, { error: 'must be prefix, exact or none' }).default('prefix'),
    webhookSecret: headerValue.optional(),
    login: login.optional(),
    password: password.optional(),
    signatureSecret: signingSecret.optional(),
    previousSignatureSecret: signingSecret.optional(),
    version: z.int().min(1).max(1000).default(1),
    signatureHeaderName: z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'must be the name of a header')
      .refine((name) => !takenHeaders.has(name.toLowerCase()), { error: 'is a header with another meaning' })
      .default('X-OX-Signature'),
    maxTimeToLiveMillis: z.int().min(0).default(0),
    maxNumberOfSubscriptionsPerUser: z.int().min(0).max(10_000).default(0),
    allowSharedUri: z.boolean().default(true),
    ...guardedFields,
    timeoutMillis: z
      .int()
      .min(100)
      .max(120 * seconds)
      .default(5 * seconds),
    maxConnections: z.int().min(1).max(1000).default(100),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : undefined) },
);

/** The options of one webhook with all defaults; `caFile` is PEM text. The webhook's id is the client of its subscriptions. */
export type WebhookOptions = Readonly<z.infer<typeof fields>>;

/** The fields that the API never returns. */
export const webhookSecretFields: readonly (keyof WebhookOptions)[] = [
  'webhookSecret',
  'password',
  'signatureSecret',
  'previousSignatureSecret',
];

/** The schema of one webhook in the API, where `caFile` is PEM text. It checks each field, and the rules between fields. */
export const webhookOptions = fields.check((context) => {
  for (const [field, message] of entryFaults(context.value)) {
    context.issues.push({ code: 'custom', message, path: [field], input: context.value });
  }
});

function entryFaults(options: WebhookOptions): [field: keyof WebhookOptions, fault: string][] {
  const faults: [keyof WebhookOptions, string | false][] = [
    ['uri', options.uri === undefined && options.uriValidationMode !== 'none' && 'is missing'],
    [
      'uri',
      options.httpsOnly &&
        options.uri?.toLowerCase().startsWith('http:') === true &&
        'is not https; correct it, or set httpsOnly to false if http is intended',
    ],
    [
      'uri',
      options.uri === undefined &&
        hasSecret(options) &&
        'is missing; secrets are sent only to this URI and below it, so set it or remove them',
    ],
    ['password', options.login !== undefined && options.password === undefined && 'is missing; login needs it'],
    ['login', options.password !== undefined && options.login === undefined && 'is missing; password needs it'],
    [
      'signatureSecret',
      options.previousSignatureSecret !== undefined &&
        options.signatureSecret === undefined &&
        'is missing; previousSignatureSecret needs it',
    ],
  ];
  return faults.filter((fault): fault is [keyof WebhookOptions, string] => fault[1] !== false);
}

function hasSecret({ webhookSecret, login, signatureSecret }: WebhookOptions): boolean {
  return webhookSecret !== undefined || login !== undefined || signatureSecret !== undefined;
}

function unknownFields(names: readonly string[]): string {
  return `${names.join(', ')} is not a field of a webhook; the known ones are ${Object.keys(fields.shape).join(', ')}`;
}
