import type { UsageCounts, UsageOfHour } from '@pns/persistence';
import type { TransportName } from '@pns/transport-contract';

const hourMs = 3_600_000;

/** Most different counts that wait to be written: a client or topic has any name. */
const maxUsageCounts = 10_000;

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

  get isEmpty(): boolean {
    return this.counts.size === 0;
  }

  /** Counts one more; false if there are too many different counts. */
  add(what: keyof UsageCounts, { context, topic, ...of }: Counting): boolean {
    const { client, transport }: Pick<UsageOfHour, 'client' | 'transport'> = { client: '', transport: '', ...of };
    const hour = Math.floor(Date.now() / hourMs) * hourMs;
    const key = `${hour} ${context} ${topic} ${client} ${transport}`;
    let count = this.counts.get(key);
    if (count === undefined) {
      if (this.counts.size >= maxUsageCounts) return false;
      count = { hour, context, topic, client, transport, notifications: 0, delivered: 0, failed: 0, suppressed: 0 };
      this.counts.set(key, count);
    }
    count[what]++;
    return true;
  }

  /** Removes all counts. */
  take(): UsageOfHour[] {
    const taken = [...this.counts.values()];
    this.counts = new Map();
    return taken;
  }
}
