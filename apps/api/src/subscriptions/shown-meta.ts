import { isSecretName } from '../audit/without-secrets';

/** The names that a webhook's own credentials have beside those that say by themselves that they are secret. */
const accountName = /^(?:login|username)$/i;

/**
 * The `meta` of a subscription as answers show it: without members that may hold credentials, by their names in any case and at any
 * depth. Clients may keep anything there, so the names decide.
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
