import { auditMask } from '@pns/persistence';
import { parsedUrl } from '@pns/transport-contract';

/** Names under which people keep what others must not know. */
const secretName =
  /token|secret|passw|passphrase|private|credential|authorization|signature|keystore|account|^(api)?key$/i;

/** Whether a member of this name holds what others must not know. */
export const isSecretName = (name: string): boolean => secretName.test(name);

/** Names under which anything may stand, and credentials often do. */
const opaqueName = /^meta$/i;

/**
 * The same JSON with a mask in place of each secret: whatever stands under a name that says so, every text in `meta`,
 * and of an address the user, the query and the fragment.
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
  // A number or a switch is no secret, whatever it is called.
  return typeof value === 'object' && value !== null ? auditMask(JSON.stringify(value)) : value;
}

function withoutUserAndQuery(text: string): string {
  if (!isAddress(text)) return text;
  const { protocol, username, password, host, pathname, search, hash } = new URL(text);
  if (`${username}${password}${search}${hash}` === '') return text;
  const user = username === '' && password === '' ? '' : `${auditMask(`${username}:${password}`)}@`;
  return `${protocol}//${user}${host}${pathname}${search && `?${auditMask(search)}`}${hash && `#${auditMask(hash)}`}`;
}

/** Only what has a host: anything else that parses as a URL is a word with a colon. */
function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && parsedUrl(text) !== undefined;
}
