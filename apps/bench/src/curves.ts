// `npm run bench -- curves`: how the figures change while the data grows a hundred or a thousand times.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { pictureOfCurves } from './curves-picture';
import { figure, median, type Side, type Size } from './scenario';
import { withStock } from './scenarios/growth';
import { toSockets } from './scenarios/websocket';
import { startServers } from './servers';

/** A growing quantity, and the figure measured at each of its sizes. */
export interface Curve {
  readonly name: string;
  readonly grows: string;
  readonly unit: string;
  readonly points: readonly { readonly size: number; readonly value: number }[];
}

interface Plan extends Omit<Curve, 'points'> {
  readonly sizes: readonly number[];
  readonly at: (size: number) => Side;
}

const plans: readonly Plan[] = [
  {
    name: 'through ingest and dispatch',
    grows: 'subscriptions',
    unit: 'notifications/s',
    sizes: [10_000, 100_000, 300_000, 1_000_000],
    at: (subscriptions) => withStock({ subscriptions, contexts: 1000 }),
  },
  {
    name: 'through ingest and dispatch',
    grows: 'contexts',
    unit: 'notifications/s',
    sizes: [1, 100, 10_000, 100_000],
    at: (contexts) => withStock({ subscriptions: 100_000, contexts }),
  },
  {
    name: 'from the queue to the sockets',
    grows: 'open sockets',
    unit: 'deliveries/s',
    sizes: [10, 100, 1000, 10_000],
    at: (sockets) => toSockets(sockets),
  },
];

async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== 'curves'),
    options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, picture: { type: 'string' } },
  });
  const size: Size = values.quick ? 'quick' : 'full';
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  const stop = await startServers();
  const curves: Curve[] = [];
  let lost = 0;
  try {
    for (const { sizes, at, ...plan } of plans) {
      const values: number[][] = sizes.map(() => []);
      // Each round covers all sizes, so that a slow minute of the machine affects all of them.
      for (let round = 0; round < rounds; round++) {
        for (const [index, grown] of sizes.entries()) {
          const measured = await at(grown)(size);
          lost += measured.lost;
          values[index]?.push(measured.value);
          say(
            `${grown.toLocaleString('en-US')} ${plan.grows}, ${round + 1}/${rounds}: ${figure(measured.value)} ${plan.unit}`,
          );
        }
      }
      curves.push({
        ...plan,
        points: sizes.map((grown, index) => ({ size: grown, value: median(values[index] ?? []) })),
      });
    }
  } finally {
    await stop();
  }
  for (const { name, grows, unit, points } of curves) {
    say(`\n${name}, ${unit}:`);
    for (const { size: grown, value } of points)
      say(`  ${grown.toLocaleString('en-US').padStart(9)} ${grows}  ${figure(value)}`);
  }
  if (values.picture !== undefined) writeFileSync(values.picture, pictureOfCurves(curves));
  if (lost > 0) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
