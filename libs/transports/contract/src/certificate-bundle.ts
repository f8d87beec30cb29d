import { X509Certificate } from 'node:crypto';

const certificateBlock = /-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----.*?-----END \1-----/gs;

/** The fault of a text that is not a bundle of certificates. */
export const bundleSentence = 'must be certificates in PEM, each of which can be read';

/**
 * Whether PEM text contains certificates and each of them can be parsed. The check is needed, because OpenSSL stops silently
 * at the first certificate that it cannot parse, and ignores all later certificates.
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
