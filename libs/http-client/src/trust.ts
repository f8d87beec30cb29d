import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/**
 * The public authorities and those of `caFile` (PEM), for the options of a connection; nothing without `caFile`. Make it once
 * for many connections: reading all these certificates takes 50 ms.
 */
export function trustBeside(caFile: string | undefined): { readonly secureContext?: SecureContext } {
  return caFile === undefined ? {} : { secureContext: createSecureContext({ ca: [...rootCertificates, caFile] }) };
}
