import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/**
 * The public authorities and those of `caFile` (PEM), for the options of a connection; empty without `caFile`. Parsing all these
 * certificates takes 50 ms, so callers keep the result for many connections.
 */
export function trustBeside(caFile: string | undefined): { readonly secureContext?: SecureContext } {
  return caFile === undefined ? {} : { secureContext: createSecureContext({ ca: [...rootCertificates, caFile] }) };
}
