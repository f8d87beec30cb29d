import { withCaFile } from '@pns/http-client';
import { isClientId } from '@pns/subscriptions';
import { demoSignatureSecret } from '@pns/transport-contract';
import { z } from 'zod';
import { webhookOptions, type WebhookOptions } from './webhook.options';

const webhookId = z
  .string()
  .refine(isClientId, { error: 'A webhook id is 1 to 64 letters, digits, underscores, dots and dashes' })
  .refine((id) => !id.includes('--'), { error: 'A webhook id must not contain two dashes in a row' });

/**
 * The schema of `webhooks.yml`: webhook ids and their options, with `caFile` as the path of a file that `readFile`
 * reads. In production no entry may sign with the public secret of the demonstration.
 */
export function webhookOptionsFileFor(
  nodeEnv: string,
  readFile: (path: string) => Buffer,
): z.ZodType<Readonly<Record<string, WebhookOptions>>> {
  const file = z.record(webhookId, withCaFile(readFile).pipe(webhookOptions));
  if (nodeEnv !== 'production') return file;
  return file.check((context) => {
    for (const [id, { signatureSecret, previousSignatureSecret }] of Object.entries(context.value)) {
      if (![signatureSecret, previousSignatureSecret].includes(demoSignatureSecret)) continue;
      const message = "signs with the demonstration's public secret; remove the entry or set a secret of its own";
      context.issues.push({ code: 'custom', message, path: [id], input: context.value });
    }
  });
}
