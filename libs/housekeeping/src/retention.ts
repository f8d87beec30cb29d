import type { ConfigCascade, PropertyName } from '@pns/config-cascade';

/** The properties that decide when rows are removed. */
type RetentionName = Extract<PropertyName, `${string}.retention`>;

/**
 * A retention, in ms.
 *
 * @throws Error if the configured value cannot be read, because the default could remove rows too early
 */
export function retentionOf(cascade: Pick<ConfigCascade, 'certainValue'>, name: RetentionName): number {
  const value = cascade.certainValue(name);
  if (value !== undefined) return value;
  throw new Error(`The configured value of ${name} cannot be read, so nothing is removed; see GET /v1/config/faults.`);
}
