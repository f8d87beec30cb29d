import type { Measured, Scenario, Size } from '../scenario';
import { withStock } from './growth';

/** One subscription for each user. The warm-up has sent to all users, so the cascade has their values. */
const stock = { subscriptions: 10_000, contexts: 1000 };

async function ours(size: Size): Promise<Measured> {
  const measured = await withStock(stock)(size);
  return { ...measured, value: measured.costs?.['dispatcher'] ?? NaN };
}

/** The CPU time of the dispatcher for a notification, from its due window to the delivery in the queue. */
export const dispatch: Scenario = {
  name: 'dispatch',
  unit: 'µs of CPU',
  ours,
  goals: [{ atMost: 15, isAbsolute: true }],
};
