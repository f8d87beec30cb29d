import { isClientId } from '@pns/subscriptions';
import { demoSignatureSecret } from '@pns/transport-contract';
import { z } from 'zod';
import { idNumber } from '../http/fields';

const secret = z.string().min(1, 'must not be empty').max(1024);

/** The header of the signature, unless the entry names another one. */
const defaultSignatureHeader = 'X-OX-Signature';

const fields = z.strictObject(
  {
    signatureSecret: secret.optional(),
    previousSignatureSecret: secret.optional(),
    webhookSecret: secret.optional(),
    login: secret.regex(/^[^:]+$/, 'must not contain a colon').optional(),
    password: secret.optional(),
    version: z.int().min(1).max(1000).default(1),
    signatureHeaderName: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,128}$/, 'must be the name of a header')
      .default(defaultSignatureHeader),
    contexts: z.array(idNumber).min(1, 'must name at least one context').max(10_000).optional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : undefined) },
);

/** A webhook of App Suite that PNS receives. The fields have the names and meanings of App Suite's own `webhooks.yml`. */
export type ProducerOptions = Readonly<z.infer<typeof fields>>;

const producerOptions = fields.check(({ value, issues }) => {
  for (const [field, message] of entryFaults(value))
    issues.push({ code: 'custom', message, path: [field], input: value });
});

function entryFaults(options: ProducerOptions): [field: keyof ProducerOptions, fault: string][] {
  const { signatureSecret, previousSignatureSecret, webhookSecret, login, password } = options;
  const hasLogin = login !== undefined;
  const faults: [keyof ProducerOptions, string | false][] = [
    [
      'signatureSecret',
      signatureSecret === undefined &&
        webhookSecret === undefined &&
        !hasLogin &&
        'is missing, and so are webhookSecret and login; without one of them anybody could send',
    ],
    [
      'signatureSecret',
      signatureSecret === undefined &&
        previousSignatureSecret !== undefined &&
        'is missing; previousSignatureSecret needs it',
    ],
    ['password', hasLogin && password === undefined && 'is missing; login needs it'],
    ['login', password !== undefined && !hasLogin && 'is missing; password needs it'],
    ['login', webhookSecret !== undefined && hasLogin && 'cannot be combined with webhookSecret'],
  ];
  return faults.filter((fault): fault is [keyof ProducerOptions, string] => fault[1] !== false);
}

function unknownFields(names: readonly string[]): string {
  return `${names.join(', ')} is not a field of a webhook producer; the known ones are ${Object.keys(fields.shape).join(', ')}`;
}

const producerId = z
  .string()
  .refine(isClientId, { error: 'The id of a producer is 1 to 64 letters, digits, underscores, dots and dashes' });

/** The schema of `webhook-producers.yml`. In production no entry may use the public secret of the demonstration. */
export function producersFileFor(nodeEnv: string): z.ZodType<Readonly<Record<string, ProducerOptions>>> {
  const file = z.record(producerId, producerOptions);
  if (nodeEnv !== 'production') return file;
  return file.check(({ value, issues }) => {
    for (const [id, { signatureSecret, previousSignatureSecret }] of Object.entries(value)) {
      if (![signatureSecret, previousSignatureSecret].includes(demoSignatureSecret)) continue;
      const message = "accepts the demonstration's public secret; remove the entry or set another secret";
      issues.push({ code: 'custom', message, path: [id], input: value });
    }
  });
}
