import type { Priority, TraceContext } from '@pns/transport-contract';
import { configure } from 'safe-stable-stringify';

/** A validated notification of a producer, with all defaults set. */
export interface Notification {
  /** The producer's own id, or a generated one. */
  readonly id: string;
  readonly context: number;
  readonly user: number;
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly sourceToken?: string;
  readonly priority: Priority;
  /** When its time to live ends, in ms since the epoch. */
  readonly expiresAt?: number;
  readonly aggregationKey?: string;
  /** When it was accepted, in ms since the epoch. */
  readonly timestamp: number;
  /** While this key is stored, a notification with the same key is a duplicate; absent when the producer sent no id. */
  readonly idempotencyKey?: string;
  /** Keeps `idempotencyKey` for at least this time, in ms, even if `com.openexchange.pns.idempotency.retention` is shorter. */
  readonly keepIdForMs?: number;
  /** Distinguishes notifications of two producers whose own ids are equal; absent where ids are unique without it. */
  readonly producer?: string;
  /** The span in which it was posted; absent while this process records no traces, or if the trace is not sampled. */
  readonly postedBy?: TraceContext;
}

/** A notification as stored in Redis: a wire format, which later versions must read too. */
export interface StoredNotification
  extends Omit<Notification, 'idempotencyKey' | 'keepIdForMs' | 'postedBy'>, Partial<TraceContext> {
  readonly v: 1;
  /** The `traceparent` of each traced notification that was joined to this one. */
  readonly joined?: readonly string[];
}

/** Writes the same text for payloads that differ only in the order of their keys. */
const canonicalJson = configure({ deterministic: true });

/** The texts of one payload, each computed once for any number of users. */
export class PayloadTexts {
  private ownJson: string | undefined;
  private ownCanonical: string | undefined;

  constructor(readonly payload: Notification['payload']) {}

  get json(): string {
    return (this.ownJson ??= JSON.stringify(this.payload));
  }

  /** Two payloads have the same canonical text if and only if they are equal. */
  get canonical(): string {
    return (this.ownCanonical ??= canonicalJson(this.payload) ?? '');
  }
}

/** A notification as text, and the byte, counted from 1, at which its expiry begins if it has one. */
export interface Item {
  readonly text: string;
  readonly expiryAt: number;
}

const itemStart = '{"v":1';

/**
 * The stored form of a notification: JSON of a `StoredNotification`. The fields that scripts use come first, so that scripts need
 * not parse the other fields: `{"v":1,"sourceToken":"…","expiresAt":…,`. Both fields are optional. For the same reason the trace
 * context of the span that stores the notification comes last; join.lua adds `joined` after it. Without a trace context, the last
 * field ends with a digit, by which join.lua recognizes such an item.
 */
export function itemOf(
  notification: Notification,
  texts = new PayloadTexts(notification.payload),
  trace?: TraceContext,
): Item {
  const { id, context, user, topic, sourceToken, priority, expiresAt, aggregationKey, timestamp, producer } =
    notification;
  const source = sourceToken === undefined ? '' : `,"sourceToken":${JSON.stringify(sourceToken)}`;
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  const key = aggregationKey === undefined ? '' : `,"aggregationKey":${JSON.stringify(aggregationKey)}`;
  const origin = producer === undefined ? '' : `,"producer":${JSON.stringify(producer)}`;
  return {
    text:
      `${itemStart}${source}${expiry},"id":${JSON.stringify(id)},"context":${context},"user":${user},"topic":"${topic}",` +
      `"payload":${texts.json},"priority":"${priority}"${key}${origin},"timestamp":${timestamp}${traceText(trace)}}`,
    expiryAt: itemStart.length + Buffer.byteLength(source) + 1,
  };
}

function traceText(trace: TraceContext | undefined): string {
  if (trace === undefined) return '';
  const state = trace.tracestate === undefined ? '' : `,"tracestate":${JSON.stringify(trace.tracestate)}`;
  return `${state},"traceparent":"${trace.traceparent}"`;
}

/**
 * Reads the text of an `Item`.
 *
 * @throws Error if the text has the format of another version.
 */
export function decodeNotification(text: string): StoredNotification {
  const stored = JSON.parse(text) as StoredNotification | null;
  const format = stored?.v as unknown;
  if (stored === null || format !== 1) {
    throw new Error(`A stored notification has format ${JSON.stringify(format)}; this version reads 1.`);
  }
  return stored;
}
