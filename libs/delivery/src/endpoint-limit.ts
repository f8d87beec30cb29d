/** The limit starts at a fourth of the capacity of the connections, and never falls below a 32nd of the capacity. */
const [startPart, leastPart] = [4, 32] as const;

/** The least limit. So few deliveries overload no endpoint; if their answers seem slow, this process may be busy. */
const leastInFlight = 10;

/** The growth of a used-up limit for each answer. So per answer time the limit doubles, or after a decrease grows by 1/8. */
const [firstGrowth, laterGrowth] = [1, 1 / 8] as const;

/** The decrease of the limit for each failure, and for each answer of an endpoint that slows down. */
const [failureLoss, slowDownLoss] = [1, 1 / 4] as const;

/**
 * The recent answer time is the average of as many answers as half the limit, and at least `leastRecent`. The usual answer time
 * is the average of `usualPerRecent` times as many answers.
 */
const leastRecent = 20;
const usualPerRecent = 8;

/** An endpoint slows down when the recent time is this many times the usual time, and at least this many ms longer. */
const [slowDownFactor, slowDownMs] = [2, 100] as const;

/**
 * The limit of an endpoint's deliveries in flight. It grows with each answer while it is used up. It shrinks when the endpoint
 * slows down, or throttles or fails more than one delivery in nine; with fewer failures, the growth is greater than the loss.
 */
export class EndpointLimit {
  private value: number;
  private answers = 0;
  private recentMs = 0;
  private usualMs = 0;
  private growth: number = firstGrowth;

  /** `most` is how many deliveries the connections to the endpoint carry at once. */
  constructor(private most: number) {
    this.value = this.within(most / startPart);
  }

  get current(): number {
    return Math.max(1, Math.floor(this.value));
  }

  /** How long an answer takes on average, in ms; undefined before the first one. */
  get answerMs(): number | undefined {
    return this.answers === 0 ? undefined : this.recentMs;
  }

  /** Sets how many deliveries the connections carry at once. */
  carries(most: number): void {
    if (most === this.most) return;
    this.most = most;
    this.add(0);
  }

  /** Counts an answer that took `ms`; `isUsedUp` is whether the limit was reached. */
  answered(ms: number, isUsedUp: boolean): void {
    if (this.slowsDown(ms)) this.shrink(slowDownLoss);
    else if (isUsedUp) this.add(this.growth);
  }

  /** Counts a failure: the endpoint throttled the delivery, failed, or did not answer in time. Its duration is not measured. */
  failed(): void {
    this.shrink(failureLoss);
  }

  /** Whether answers take longer than usual. If a lower limit does not help, the longer time soon becomes the usual time. */
  private slowsDown(ms: number): boolean {
    this.answers++;
    const recent = Math.max(leastRecent, this.current / 2);
    this.recentMs += (ms - this.recentMs) / Math.min(this.answers, recent);
    this.usualMs += (ms - this.usualMs) / Math.min(this.answers, usualPerRecent * recent);
    return this.recentMs > slowDownFactor * this.usualMs && this.recentMs - this.usualMs > slowDownMs;
  }

  private shrink(loss: number): void {
    this.growth = laterGrowth;
    this.add(-loss);
  }

  private add(change: number): void {
    this.value = this.within(this.value + change);
  }

  private within(value: number): number {
    return Math.min(this.most, Math.max(this.most / leastPart, leastInFlight, value));
  }
}
