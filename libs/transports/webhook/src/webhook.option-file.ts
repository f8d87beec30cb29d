import { isClientId } from '@pns/subscriptions';
import { demoSignatureSecret } from '@pns/transport-contract';
import { z } from 'zod';
import { webhookOptions, type WebhookOptions } from './webhook.options';

const webhookId = z
  .string()
  .refine(isClientId, { error: 'A webhook id is 1 to 64 letters, digits, underscores, dots and dashes' })
  .refine((id) => !id.includes('--'), { error: 'A webhook id holds no two dashes in a row' });

/**
 * The schema of `webhooks.yml`: webhook ids and their options, with `caFile` as the path of a file that `readFile`
 * reads. In production no entry may sign with the public secret of the demonstration.
 */
export function webhookOptionsFileFor(
  nodeEnv: string,
  readFile: (path: string) => Buffer,
): z.ZodType<Readonly<Record<string, WebhookOptions>>> {
  const file = z.record(webhookId, withCertificates(readFile).pipe(webhookOptions));
  if (nodeEnv !== 'production') return file;
  return file.check((context) => {
    for (const [id, { signatureSecret, previousSignatureSecret }] of Object.entries(context.value)) {
      if (![signatureSecret, previousSignatureSecret].includes(demoSignatureSecret)) continue;
      const message = "signs with the demonstration's public secret; remove the entry or set a secret of its own";
      context.issues.push({ code: 'custom', message, path: [id], input: context.value });
    }
  });
}

function withCertificates(readFile: (path: string) => Buffer): z.ZodType {
  return z.unknown().transform((given, context) => {
    if (typeof given !== 'object' || given === null) return given;
    const { caFile } = given as { caFile?: unknown };
    if (typeof caFile !== 'string') return given;
    try {
      return { ...given, caFile: readFile(caFile).toString() };
    } catch (error) {
      // The message does not contain the path, because an operator may have written a secret into the wrong field.
      const message = `cannot be read (${codeOf(error)}); it must be the path of a file of certificates in PEM`;
      context.issues.push({ code: 'custom', message, path: ['caFile'], input: given });
      return z.NEVER;
    }
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable';
}
