import { auditMask } from '@pns/persistence';
import { parsedUrl } from '@pns/transport-contract';

/** Names of members that usually hold secrets. */
const secretName =
  /token|secret|passw|passphrase|private|credential|authorization|signature|keystore|account|pushsubscription|^(api)?key$/i;

/** Whether a member with this name may hold a secret. */
export const isSecretName = (name: string): boolean => secretName.test(name);

/** Names of members with free content, which often includes credentials. */
const opaqueName = /^meta$/i;

/**
 * Masks the secrets in JSON: every member with a secret name, every text in `meta`, and the user, query and fragment of
 * every URL.
 */
export function withoutSecrets(value: unknown): unknown {
  return masked(value, false);
}

function masked(value: unknown, isOpaque: boolean): unknown {
  if (typeof value === 'string') return isOpaque ? auditMask(value) : withoutUserAndQuery(value);
  if (Array.isArray(value)) return value.map((each) => masked(each, isOpaque));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => [
      name,
      isSecretName(name) ? maskedSecret(inner) : masked(inner, isOpaque || opaqueName.test(name)),
    ]),
  );
}

function maskedSecret(value: unknown): unknown {
  if (typeof value === 'string') return isAddress(value) ? withoutUserAndQuery(value) : auditMask(value);
  // A number or boolean is not a secret, even with a secret name.
  return typeof value === 'object' && value !== null ? auditMask(JSON.stringify(value)) : value;
}

function withoutUserAndQuery(text: string): string {
  if (!isAddress(text)) return text;
  const { protocol, username, password, host, pathname, search, hash } = new URL(text);
  if (`${username}${password}${search}${hash}` === '') return text;
  const user = username === '' && password === '' ? '' : `${auditMask(`${username}:${password}`)}@`;
  return `${protocol}//${user}${host}${pathname}${search && `?${auditMask(search)}`}${hash && `#${auditMask(hash)}`}`;
}

/** Whether `text` is a URL with a host. `//` is required, because words with a colon, such as `a:b`, also parse as a URL. */
function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && parsedUrl(text) !== undefined;
}
