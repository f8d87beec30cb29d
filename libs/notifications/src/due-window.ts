import type { StoredNotification } from './notification';

/** How similar notifications are joined. */
export const aggregationModes = ['equal', 'latest', 'collect'] as const;
/** One of `aggregationModes`. */
export type AggregationMode = (typeof aggregationModes)[number];

/** A window that fell due: one notification that represents the `count` joined ones. */
export interface DueWindow {
  /** The key that similar notifications of a user share; absent in tests. */
  readonly windowKey?: string;
  readonly mode: AggregationMode;
  readonly notification: StoredNotification;
  readonly count: number;
  readonly dueAt: number;
  /** Length of the stored notification in characters: approximately the size of each of its deliveries. */
  readonly size: number;
  /** The position of its newest notification in the order of acceptance within the shard; absent in windows of older versions. */
  readonly order?: number;
}
