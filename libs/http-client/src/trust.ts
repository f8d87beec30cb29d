import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';

/** TLS contexts by `caFile`. Parsing all these certificates takes 50 ms, and clients often have the same authority. */
const contexts = new LRUCache<string, SecureContext>({
  max: 16,
  memoMethod: (caFile) => createSecureContext({ ca: [...rootCertificates, caFile] }),
});

/** The public authorities and those of `caFile` (PEM), for the options of a connection; empty without `caFile`. */
export function trustBeside(caFile: string | undefined): { readonly secureContext?: SecureContext } {
  return caFile === undefined ? {} : { secureContext: contexts.memo(caFile) };
}
