import forge from 'node-forge';

const { Type, fromDer, integerToDer, toDer } = forge.asn1;

/**
 * The keystore (PKCS #12 in base64) with another number of rounds of hashing written into it. Its keys are not derived again.
 *
 * @throws Error if the keystore does not contain the number `before`.
 */
export function withRounds(keystore: string, before: number, after: number): string {
  const made = changed(forge.util.decode64(keystore), bytesOf(before), bytesOf(after));
  const encoded = forge.util.encode64(made);
  if (encoded === keystore) throw new Error(`The keystore was not made with ${before} rounds.`);
  return encoded;
}

function bytesOf(number: number): string {
  return integerToDer(number).getBytes();
}

/** Changes integers also inside octet strings, in which PKCS #12 nests its parts. */
function changed(bytes: string, before: string, after: string): string {
  const change = (node: forge.asn1.Asn1): void => {
    if (typeof node.value !== 'string') node.value.forEach(change);
    else if (node.type === Type.OCTETSTRING) node.value = changed(node.value, before, after);
    else if (node.type === Type.INTEGER && node.value === before) node.value = after;
  };
  try {
    const root = fromDer(bytes);
    change(root);
    return toDer(root).getBytes();
  } catch {
    return bytes; // the bytes are not DER, for example a salt
  }
}
