import type { Delivery } from '@pns/transport-contract';

/** How much is remembered for one socket. */
export interface UnconfirmedLimits {
  readonly maxNotifications: number;
  /** Bytes of their frames. */
  readonly maxBytes: number;
}

/** What a client may not have received. */
export interface Unreceived {
  readonly deliveries: readonly Delivery[];
  /** Whether there is more, which was not remembered. */
  readonly hasGap: boolean;
}

/** An event on its way to a client. */
export interface Sent {
  /** Absent: the event that tells the client that it missed something. */
  readonly delivery: Delivery | undefined;
  readonly bytes: number;
  /** Its place among those that were written; 0 until then. */
  number: number;
  /** When it was written, on a monotonic clock, in ms; infinite until then. */
  at: number;
}

/**
 * The events that a client has not confirmed. A client confirms with the pong to a Web Socket ping that followed them, which
 * every client answers by itself (RFC 6455, 5.5.3).
 */
export class Unconfirmed {
  private sent: Sent[] = [];
  private bytes = 0;
  private written = 0;
  /** The latest that was not remembered for lack of room. */
  private lost: Sent | undefined;

  constructor(private readonly limits: UnconfirmedLimits) {}

  get isEmpty(): boolean {
    return this.sent.length === 0 && this.lost === undefined;
  }

  /** The number of the event that was written last. */
  get lastNumber(): number {
    return this.written;
  }

  /** Remembers an event that is to be written. */
  add(delivery: Delivery | undefined, bytes: number): Sent {
    const sent: Sent = { delivery, bytes, number: 0, at: Infinity };
    const { maxNotifications, maxBytes } = this.limits;
    if (this.sent.length >= maxNotifications || this.bytes + bytes > maxBytes) {
      this.lost = sent;
    } else {
      this.sent.push(sent);
      this.bytes += bytes;
    }
    return sent;
  }

  /** Notes that an event was written, after all that were written before. */
  wrote(sent: Sent, now: number): void {
    sent.number = ++this.written;
    sent.at = now;
  }

  /** Forgets the events up to this number. */
  confirm(number: number): void {
    const isConfirmed = (sent: Sent): boolean => sent.number > 0 && sent.number <= number;
    if (this.lost !== undefined && isConfirmed(this.lost)) this.lost = undefined;
    this.sent = this.sent.filter((sent) => !isConfirmed(sent));
    this.bytes = this.sent.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The events that were not written before this time. */
  since(time: number): Unreceived {
    const late = this.sent.filter(({ at }) => at >= time);
    const deliveries = late.flatMap(({ delivery }) => delivery ?? []);
    const isLost = this.lost !== undefined && this.lost.at >= time;
    return { deliveries, hasGap: isLost || deliveries.length < late.length };
  }
}
