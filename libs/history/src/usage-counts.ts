import { otherName, type UsageCounts, type UsageOfHour } from '@pns/persistence';
import type { TransportName } from '@pns/transport-contract';

const hourMs = 3_600_000;

/** The maximum number of different counts that wait to be written, because clients and topics can have any name. */
const maxUsageCounts = 10_000;

/** Maximum number of different counts of one context. Its further counts are added up under `otherName`. */
const maxCountsOfContext = 1000;

type Counted = { -readonly [Field in keyof UsageOfHour]: UsageOfHour[Field] };

/** The key of a count: context and topic, and for a delivery its client and transport. */
export interface Counting {
  readonly context: number;
  readonly topic: string;
  /** Absent where notifications are counted. */
  readonly client?: string;
  readonly transport?: TransportName | '';
}

/** The counts of a context by topic, client and transport, and their number. One map with joined keys would take four times as long. */
interface CountsOfContext {
  size: number;
  readonly topics: Map<string, Map<string, Map<string, Counted>>>;
}

/** The counts that wait to be written. */
export class WaitingUsage {
  private readonly counts: Counted[] = [];
  private readonly contexts = new Map<number, CountsOfContext>();
  /** The start of the hour of `contexts`, in ms since the epoch. */
  private hour = 0;

  get isEmpty(): boolean {
    return this.counts.length === 0;
  }

  /** Adds one to a count; returns false if there are too many different counts. */
  add(what: keyof UsageCounts, counting: Counting): boolean {
    const now = Date.now();
    if (now >= this.hour + hourMs) {
      this.hour = Math.floor(now / hourMs) * hourMs;
      this.contexts.clear();
    }
    const { context, topic, client = '', transport = '' } = counting;
    const count =
      this.contexts.get(context)?.topics.get(topic)?.get(client)?.get(transport) ??
      this.newCount(context, topic, client, transport);
    if (count === undefined) return false;
    count[what]++;
    return true;
  }

  /** Removes and returns all counts. */
  take(): UsageOfHour[] {
    this.contexts.clear();
    return this.counts.splice(0);
  }

  private newCount(context: number, topic: string, client: string, transport: TransportName | ''): Counted | undefined {
    const known: CountsOfContext = this.contexts.get(context) ?? { size: 0, topics: new Map() };
    if (known.size >= maxCountsOfContext && topic !== otherName) {
      const other = client === '' ? '' : otherName;
      const counted = known.topics.get(otherName)?.get(other)?.get(transport);
      return counted ?? this.newCount(context, otherName, other, transport);
    }
    if (this.counts.length >= maxUsageCounts) return undefined;
    const count = {
      ...{ hour: this.hour, context, topic, client, transport },
      ...{ notifications: 0, delivered: 0, failed: 0, suppressed: 0 },
    };
    this.counts.push(count);
    this.contexts.set(context, known);
    known.size++;
    entryOf(entryOf(known.topics, topic), client).set(transport, count);
    return count;
  }
}

/** The map under this key, which is added if it is missing. */
function entryOf<Key, Value>(maps: Map<string, Map<Key, Value>>, key: string): Map<Key, Value> {
  const known = maps.get(key) ?? new Map<Key, Value>();
  maps.set(key, known);
  return known;
}
