import forge from 'node-forge';

/** The most rounds of hashing to derive the keys of a file. They take about a second. OpenSSL's default is 2,048 rounds. */
export const maxKeystoreRounds = 1_000_000;

/** The most levels of nested values that are read: about twice those of a usual file. */
const levelsRead = 32;

const { Class, Type } = forge.asn1;

/** Options of `fromDer`, which the types of the package still declare as a boolean. */
const withRest = { parseAllBytes: false } as unknown as boolean;

/**
 * The total of all rounds of hashing that the unencrypted parts of a PKCS #12 file name; 0 for a file that cannot be read.
 * OpenSSL does as many rounds as the file names and blocks the process meanwhile, so the caller must limit the number.
 *
 * Sources: RFC 7292 (MacData, pkcs-12PbeParams) and RFC 8018 (PBKDF2-params). There the number of rounds follows a salt.
 */
export function keystoreRounds(pkcs12: Buffer): number {
  const asn1 = read(pkcs12.toString('binary'));
  return asn1 === undefined ? 0 : roundsIn(asn1);
}

function roundsIn(node: forge.asn1.Asn1, levels = levelsRead): number {
  if (levels === 0) return 0;
  if (!Array.isArray(node.value)) return isOf(node, Type.OCTETSTRING) ? roundsInside(node.value, levels) : 0;
  return node.value.reduce((sum, part, index, parts) => {
    const isAfterSalt = isOf(part, Type.INTEGER) && isOf(parts[index - 1], Type.OCTETSTRING);
    return sum + (isAfterSalt ? integerOf(part) : roundsIn(part, levels - 1));
  }, 0);
}

/** The rounds in the DER inside an octet string, in which PKCS #12 nests its parts. */
function roundsInside(octets: string, levels: number): number {
  const inner = octets.startsWith('0') ? read(octets) : undefined; // 0x30, a sequence
  return inner === undefined ? 0 : roundsIn(inner, levels - 1);
}

function isOf(node: forge.asn1.Asn1 | undefined, type: forge.asn1.Type): boolean {
  return node?.tagClass === Class.UNIVERSAL && node.type === type;
}

function integerOf({ value }: forge.asn1.Asn1): number {
  return typeof value === 'string' ? Number(`0x0${Buffer.from(value, 'binary').toString('hex')}`) : 0;
}

function read(der: string): forge.asn1.Asn1 | undefined {
  try {
    return forge.asn1.fromDer(der, withRest);
  } catch {
    return undefined;
  }
}
