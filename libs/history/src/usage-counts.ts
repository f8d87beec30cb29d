import { otherName, type UsageCounts, type UsageOfHour } from '@pns/persistence';
import type { TransportName } from '@pns/transport-contract';

const hourMs = 3_600_000;

/** Most different counts that wait to be written: a client or topic has any name. */
const maxUsageCounts = 10_000;

/** Most of them that belong to one context. Its others are added up. */
const maxCountsOfContext = 1000;

type Counted = { -readonly [Field in keyof UsageOfHour]: UsageOfHour[Field] };

/** The owner of a count: a context and topic, and for a delivery the target. */
export interface Counting {
  readonly context: number;
  readonly topic: string;
  /** Absent where notifications are counted. */
  readonly client?: string;
  readonly transport?: TransportName | '';
}

/** The counts that wait to be written. */
export class WaitingUsage {
  private counts = new Map<string, Counted>();
  /** The number of different counts of each context. */
  private readonly ofContexts = new Map<number, number>();

  get isEmpty(): boolean {
    return this.counts.size === 0;
  }

  /** Counts one more; false if there are too many different counts. */
  add(what: keyof UsageCounts, counting: Counting): boolean {
    const hour = Math.floor(Date.now() / hourMs) * hourMs;
    const count = this.countOf(hour, counting) ?? this.newCount(hour, counting);
    if (count === undefined) return false;
    count[what]++;
    return true;
  }

  /** Removes all counts. */
  take(): UsageOfHour[] {
    const taken = [...this.counts.values()];
    this.counts = new Map();
    this.ofContexts.clear();
    return taken;
  }

  private countOf(hour: number, counting: Counting): Counted | undefined {
    return this.counts.get(keyOf(hour, counting));
  }

  private newCount(hour: number, counting: Counting): Counted | undefined {
    const { context, topic, client = '', transport = '' } = counting;
    const known = this.ofContexts.get(context) ?? 0;
    if (known >= maxCountsOfContext && topic !== otherName) {
      const other = { context, topic: otherName, client: client === '' ? '' : otherName, transport };
      return this.countOf(hour, other) ?? this.newCount(hour, other);
    }
    if (this.counts.size >= maxUsageCounts) return undefined;
    const count = { hour, context, topic, client, transport, notifications: 0, delivered: 0, failed: 0, suppressed: 0 };
    this.counts.set(keyOf(hour, counting), count);
    this.ofContexts.set(context, known + 1);
    return count;
  }
}

function keyOf(hour: number, { context, topic, client = '', transport = '' }: Counting): string {
  return `${hour} ${context} ${topic} ${client} ${transport}`;
}
