import { hash } from 'node:crypto';
import type { z } from 'zod';
import { Faults } from '../faults';
import { fault } from '../webhook/fault';

/** A fault of the simulated Microsoft, such as status 200 with the header `X-WNS-Status: dropped`. */
export const wnsFault = fault.omit({ bodyBytes: true });
/** A parsed `wnsFault`. */
export type WnsFault = Readonly<z.infer<typeof wnsFault>>;

/** The states of a device: it accepts pushes, is switched off, or has pushes disabled. */
export const deviceStates = ['connected', 'disconnected', 'refusing'] as const;
type DeviceState = (typeof deviceStates)[number];

/** Microsoft: "At this time, channel URIs expire after 30 days." */
export const channelLifeMs = 30 * 24 * 60 * 60 * 1000;

const maxSeen = 10_000;

/** The channel of an app on a device. */
export class WnsChannel {
  total = 0;
  accepted = 0;
  duplicates = 0;
  /** Arrivals whose `seq` is not greater than this number were cleared, and are not shown. */
  clearedSeq = 0;
  device: DeviceState = 'connected';
  readonly faults = new Faults<WnsFault>();
  private readonly seen = new Set<string>();

  constructor(
    readonly token: string,
    /** The `sid` of its app. */
    readonly sid: string,
    /** Ms since the epoch. */
    public expiresAt: number,
  ) {}

  get state() {
    const { total, accepted, duplicates, device, expiresAt } = this;
    return { total, accepted, duplicates, device, expiresAt, fault: this.faults.current };
  }

  clear(seq: number): void {
    this.clearedSeq = seq;
    this.total = this.accepted = this.duplicates = 0;
    this.seen.clear();
  }

  /** Counts a push; returns whether it was accepted before. A push with the same tag and another body is no duplicate. */
  count(tag: string | undefined, body: string, isAccepted: boolean): boolean {
    this.total++;
    const push = tag === undefined ? undefined : hash('sha256', `${tag} ${body}`, 'base64');
    const isDuplicate = push !== undefined && this.seen.has(push);
    if (isDuplicate) this.duplicates++;
    else if (isAccepted) {
      this.accepted++;
      if (this.seen.size >= maxSeen) this.seen.clear();
      if (push !== undefined) this.seen.add(push);
    }
    return isDuplicate;
  }
}
