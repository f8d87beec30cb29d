import type { Delivery } from '@pns/transport-contract';

/** How many events are stored for one socket. */
export interface UnconfirmedLimits {
  readonly maxNotifications: number;
  /** Bytes of the events' frames. */
  readonly maxBytes: number;
}

/** The events that a client may not have received. */
export interface Unreceived {
  readonly deliveries: readonly Delivery[];
  /** Whether further events were not stored. */
  readonly hasGap: boolean;
}

/** An event on its way to a client. */
export interface Sent {
  /** Absent for the event about missed notifications. */
  readonly delivery: Delivery | undefined;
  readonly bytes: number;
  /** Its number among the written events; 0 until it is written. */
  number: number;
  /** When it was written, on a monotonic clock, in ms; infinite until then. */
  at: number;
}

/**
 * The events that a client has not confirmed. A client confirms events with the pong to a Web Socket ping that follows them. Every
 * client sends that pong by itself (RFC 6455, 5.5.3).
 */
export class Unconfirmed {
  private sent: Sent[] = [];
  private bytes = 0;
  private written = 0;
  /** The latest event for which there was no room. */
  private lost: Sent | undefined;

  constructor(private readonly limits: UnconfirmedLimits) {}

  get isEmpty(): boolean {
    return this.sent.length === 0 && this.lost === undefined;
  }

  /** The number of the event that was written last. */
  get lastNumber(): number {
    return this.written;
  }

  /** Stores an event that will be written. */
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

  /** Notes that an event was written, after all events before it. */
  wrote(sent: Sent, now: number): void {
    sent.number = ++this.written;
    sent.at = now;
  }

  /** Deletes the events up to this number. */
  confirm(number: number): void {
    const isConfirmed = (sent: Sent): boolean => sent.number > 0 && sent.number <= number;
    if (this.lost !== undefined && isConfirmed(this.lost)) this.lost = undefined;
    this.sent = this.sent.filter((sent) => !isConfirmed(sent));
    this.bytes = this.sent.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Returns the events that were written at `time` or later, or are not written yet. */
  since(time: number): Unreceived {
    const late = this.sent.filter(({ at }) => at >= time);
    const deliveries = late.flatMap(({ delivery }) => delivery ?? []);
    const isLost = this.lost !== undefined && this.lost.at >= time;
    return { deliveries, hasGap: isLost || deliveries.length < late.length };
  }
}
