import type { Delivery, Outcome, Transport } from '@pns/transport-contract';

/** A delivery that arrived is written to the progress of its job within this time, in ms. */
const checkpointedAfterMs = 25;

/** A process of the model that sends deliveries to the far side. */
export interface Sender {
  readonly name: string;
  diedAt: number | undefined;
  /** The last time at which Redis had answered all requests of the process, in ms since the epoch. */
  quietAt: number;
}

/** One attempt that reached the far side. */
export interface Sent {
  readonly delivery: Delivery;
  readonly sender: Sender;
  readonly answer: (outcome: Outcome) => void;
  answeredAt: number | undefined;
  outcome: Outcome | undefined;
}

/** The receivers of all deliveries. They compare each attempt with the earlier attempts of the same delivery. */
export class ModelFarSide {
  readonly sent: Sent[] = [];

  /** The transport of a process. */
  transportOf(sender: Sender): Transport {
    return { name: 'webhook', deliver: (delivery) => this.deliver(sender, delivery) };
  }

  /** The unanswered attempts of processes that have not died. */
  get open(): Sent[] {
    return this.sent.filter(({ outcome, sender }) => outcome === undefined && sender.diedAt === undefined);
  }

  answer(sent: Sent, outcome: Outcome): void {
    sent.outcome = outcome;
    sent.answeredAt = Date.now();
    sent.answer(outcome);
  }

  clear(): void {
    this.sent.length = 0;
  }

  /** Returns the fault of the earliest faulty attempt; undefined if there is none. */
  get fault(): string | undefined {
    for (const [index, each] of this.sent.entries()) {
      const earlier = this.sent.slice(0, index).filter(({ delivery }) => delivery.id === each.delivery.id);
      const fault = faultOf(each, earlier);
      if (fault !== undefined) return `${each.delivery.id}, attempt ${each.delivery.attempt}: ${fault}`;
    }
    return undefined;
  }

  private deliver(sender: Sender, delivery: Delivery): Promise<Outcome> {
    return new Promise((answer) => {
      if (sender.diedAt !== undefined) return; // only in this model, a promise of a dead process continues
      this.sent.push({ delivery, sender, answer, answeredAt: undefined, outcome: undefined });
    });
  }
}

function faultOf({ delivery: { attempt } }: Sent, earlier: readonly Sent[]): string | undefined {
  const repeated = earlier.filter(({ delivery }) => delivery.attempt === attempt);
  const known = repeated.find(isRecorded);
  if (known !== undefined) return `repeated, although ${known.sender.name} had its outcome`;
  const before = earlier.filter(({ delivery }) => delivery.attempt === attempt - 1);
  if (attempt > 1 && !before.some(({ outcome }) => outcome?.kind === 'retry')) return 'nothing asked for this attempt';
  return undefined;
}

/**
 * Whether the attempt must not be repeated: its process lives, or died after it had stored the arrival. Other outcomes are stored when
 * all attempts of the job have ended.
 */
function isRecorded({ sender: { diedAt, quietAt }, answeredAt, outcome }: Sent): boolean {
  if (diedAt === undefined) return true;
  return outcome?.kind === 'delivered' && answeredAt !== undefined && quietAt - answeredAt >= checkpointedAfterMs;
}
