/** The limits of a client: for a burst, and for each second. */
export const inboundLimits = {
  frames: { burst: 50, perSecond: 10 },
  bytes: { burst: 64 * 1024, perSecond: 4 * 1024 },
} as const;

/**
 * Two token buckets for the frames and the bytes that one client sends. A client sends its CONNECT, pongs (or the pings of
 * Engine.IO 3) and at most a few acknowledgements. A client that sends more is broken or hostile.
 */
export class InboundLimit {
  private frames: number = inboundLimits.frames.burst;
  private bytes: number = inboundLimits.bytes.burst;
  private bytesRead = 0;
  private refilledAt: number;

  /** `now` is a monotonic time in ms. `bytesRead` is the number of bytes that the connection has read before. */
  constructor(now: number, bytesRead: number) {
    this.refilledAt = now;
    this.bytesRead = bytesRead;
  }

  /**
   * Counts a frame. `bytesRead` is the number of bytes that the connection has read so far. Returns whether the client is
   * within its limits.
   */
  allows(now: number, bytesRead: number): boolean {
    const seconds = (now - this.refilledAt) / 1000;
    this.refilledAt = now;
    this.frames = refilled(this.frames, seconds, inboundLimits.frames) - 1;
    this.bytes = refilled(this.bytes, seconds, inboundLimits.bytes) - (bytesRead - this.bytesRead);
    this.bytesRead = bytesRead;
    return this.frames >= 0 && this.bytes >= 0;
  }
}

function refilled(
  left: number,
  seconds: number,
  limit: { readonly burst: number; readonly perSecond: number },
): number {
  return Math.min(limit.burst, left + seconds * limit.perSecond);
}
