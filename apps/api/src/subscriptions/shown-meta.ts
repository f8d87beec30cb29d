import { isSecretName } from '../audit/without-secrets';

/** Names of webhook credentials that `isSecretName` does not cover. */
const accountName = /^(?:login|username)$/i;

/**
 * The `meta` of a subscription for answers, without members at any depth that may hold credentials. Clients may store anything in
 * meta, so the names of the members decide, in upper or lower case.
 */
export function shownMeta(meta: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return shown(meta) as Record<string, unknown>;
}

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !isSecretName(name) && !accountName.test(name))
      .map(([name, inner]) => [name, shown(inner)]),
  );
}
