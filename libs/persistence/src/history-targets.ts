import type { TransportName } from '@pns/transport-contract';
import type { HistoryTarget } from './history-rows';

/** A target as JSON: delivery, transport, client and subscription. */
export type StoredTarget = readonly [string, TransportName, string, string?];

export function storedTarget({ delivery, transport, client, subscription }: HistoryTarget): StoredTarget {
  return [delivery, transport, client, subscription];
}

export function targetOf([delivery, transport, client, subscription]: StoredTarget): HistoryTarget {
  // JSON has null in place of undefined.
  return { delivery, transport, client, ...(typeof subscription === 'string' ? { subscription } : {}) };
}
