import { Child } from '../child';
import { cpuCosts } from '../cpu';
import type { Measured, Scenario, Size } from '../scenario';
import { withRedis } from '../servers';
import { withStock, withSubscriptions } from './growth';

/** One subscription for each user. The warm-up has sent to all users, so the cascade has their values. */
const stock = { subscriptions: 10_000, contexts: 1000 };

async function ours(size: Size): Promise<Measured> {
  const measured = await withStock(stock)(size);
  return { ...measured, value: measured.costs?.['dispatcher'] ?? NaN };
}

const windowsOf = (size: Size): number => (size === 'full' ? 100_000 : 20_000);

const limit = (size: Size): Promise<Measured> =>
  withSubscriptions(stock, (databaseUrl) =>
    withRedis(async ({ url: redisUrl, pid }) => {
      const program = Child.start('baselines/window-batches');
      try {
        await program.ask<object>({ redisUrl, databaseUrl });
        const dispatched = async (count: number): Promise<Measured> => {
          await program.ask<object>({ open: count, users: stock.subscriptions });
          const costs = cpuCosts({ dispatcher: program.pid, Redis: pid });
          const { deliveries } = await program.ask<{ deliveries: number }>({ dispatch: true });
          const spent = costs(count);
          return { value: spent['dispatcher'] ?? NaN, lost: count - deliveries, duplicated: 0, costs: spent };
        };
        await dispatched(stock.subscriptions); // code is compiled meanwhile
        return await dispatched(windowsOf(size));
      } finally {
        await program.stop();
      }
    }),
  );

/** The CPU time of the dispatcher for a notification, from its due window to the delivery in the queue. */
export const dispatch: Scenario = {
  name: 'dispatch',
  unit: 'µs of CPU',
  ours,
  limit,
  goals: [{ atMost: 15, isAbsolute: true }],
};
