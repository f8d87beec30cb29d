import { X509Certificate } from 'node:crypto';

const certificateBlock = /-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----.*?-----END \1-----/gs;

/** What is said of a text that is none. */
export const bundleSentence = 'must be certificates in PEM, each of which can be read';

/**
 * Whether PEM text holds certificates and each of them can be read. OpenSSL stops silently at the first certificate of a
 * bundle that it cannot read, and trusts none of the later ones.
 */
export function isCertificateBundle(pem: string): boolean {
  const blocks = pem.match(certificateBlock) ?? [];
  const begun = pem.match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g) ?? [];
  return blocks.length > 0 && blocks.length === begun.length && blocks.every(isCertificate);
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}
