import type { Delivery, ParkedStep } from '@pns/transport-contract';
import { assertJobVersion, type DeliveryJob } from './queues';

type Kind = 'string' | 'number' | 'object' | 'boolean';

/** The type of each field that every delivery has, in all versions. */
const required = {
  id: 'string',
  notificationId: 'string',
  context: 'number',
  user: 'number',
  client: 'string',
  transport: 'string',
  token: 'string',
  topic: 'string',
  payload: 'object',
  priority: 'string',
  count: 'number',
  timestamp: 'number',
  dueAt: 'number',
  attempt: 'number',
} as const satisfies Partial<Record<keyof Delivery, Kind>>;

/** The type of each field that a delivery may have. */
const optional = {
  producer: 'string',
  subscriptionId: 'string',
  target: 'object',
  sourceToken: 'string',
  collapseKey: 'string',
  expiresAt: 'number',
  order: 'number',
  lookedAt: 'number',
  email1: 'string',
  hasMeta: 'boolean',
  deferredSince: 'number',
  sparedSince: 'number',
  replyTo: 'string',
  traceparent: 'string',
  tracestate: 'string',
} as const satisfies Record<Exclude<keyof Delivery, keyof typeof required>, Kind>;

const requiredKinds = Object.entries(required);
const optionalKinds = Object.entries(optional);

/**
 * Throws unless a job from Redis has the format that this version of the code reads. The error names the field at fault, and no
 * value.
 */
export function assertDeliveryJob(data: unknown): asserts data is DeliveryJob {
  assertJobVersion('delivery', data);
  const { endpoint, deliveries } = data as { endpoint?: unknown; deliveries?: unknown };
  if (typeof endpoint !== 'string') throw new Error('A delivery job has no endpoint.');
  if (!Array.isArray(deliveries)) throw new Error('A delivery job has no list of deliveries.');
  for (const delivery of deliveries as readonly unknown[]) {
    const field = wrongField(delivery);
    if (field !== undefined) throw new Error(`A delivery job has a delivery without a valid ${field}.`);
  }
}

function wrongField(delivery: unknown): string | undefined {
  if (!is(delivery, 'object')) return 'form';
  const fields = delivery as Readonly<Record<string, unknown>>;
  for (const [name, kind] of requiredKinds) if (!is(fields[name], kind)) return name;
  for (const [name, kind] of optionalKinds) {
    if (fields[name] !== undefined && !is(fields[name], kind)) return name;
  }
  const { target } = fields;
  return target === undefined || isTarget(target as Readonly<Record<string, unknown>>) ? undefined : 'target';
}

/** Half of a surrogate pair. The API accepts no text that contains one, because URLs and UTF-8 cannot encode it. */
const surrogate = /\p{Cs}/u;

function is(value: unknown, kind: Kind): boolean {
  if (typeof value === 'string') return kind === 'string' && !surrogate.test(value);
  return typeof value === kind && value !== null && !Array.isArray(value);
}

const parkedSteps: readonly unknown[] = ['find', 'settle', 'full', 'gone'] satisfies ParkedStep[];

function isTarget({ kind, node, connection, step }: Readonly<Record<string, unknown>>): boolean {
  if (kind === 'socket') return is(node, 'string') && is(connection, 'string');
  return kind === 'parked' && parkedSteps.includes(step);
}
