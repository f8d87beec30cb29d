import { isIP } from 'node:net';
import { bundleSentence, isCertificateBundle, pemText } from '@pns/transport-contract';
import { z } from 'zod';

const network = z.string().refine(isNetwork, {
  error: 'must be a network such as 10.0.0.0/8, 192.168.1.5/32 or fd00::/8',
});

const authorities = z
  .string()
  .max(1_000_000)
  .transform(pemText)
  .refine((pem) => !pem.includes('PRIVATE KEY-----'), { error: 'contains a private key; give certificates only' })
  .refine(isCertificateBundle, { error: bundleSentence });

/** The options of a client whose endpoints are chosen by users. `caFile` is the text of certificates in PEM. */
export const guardedFields = {
  allowedNetworks: z.array(network).max(1000).default([]),
  httpsOnly: z.boolean().default(true),
  caFile: authorities.optional(),
};

/**
 * Returns a schema that replaces the path in `caFile` of an option file's entry by the text of the file at this path.
 * In an entry that is switched off, it removes the path, so the file need not exist.
 */
export function withCaFile(readFile: (path: string) => Buffer): z.ZodType {
  return z.unknown().transform((given, context) => {
    if (typeof given !== 'object' || given === null) return given;
    const { caFile, enabled } = given as { caFile?: unknown; enabled?: unknown };
    if (typeof caFile !== 'string') return given;
    if (enabled === false) return { ...given, caFile: undefined };
    try {
      return { ...given, caFile: readFile(caFile).toString() };
    } catch (error) {
      // The message does not contain the path, because an operator may have written a secret into the wrong field.
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      const message = `cannot be read (${code}); it must be the path of a file of certificates in PEM`;
      context.issues.push({ code: 'custom', message, path: ['caFile'], input: given });
      return z.NEVER;
    }
  });
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  return family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}
