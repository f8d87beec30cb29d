import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';

/** TLS contexts by `caFile`. Parsing the certificates of a context takes 50 ms, and clients often have the same `caFile`. */
const contexts = new LRUCache<string, SecureContext>({
  max: 16,
  memoMethod: (caFile) => createSecureContext({ ca: [...rootCertificates, caFile] }),
});

/** Returns options of a connection that trusts the public authorities and those of `caFile` (PEM); empty without `caFile`. */
export function trustBeside(caFile: string | undefined): { readonly secureContext?: SecureContext } {
  return caFile === undefined ? {} : { secureContext: contexts.memo(caFile) };
}
