/** A far side that answers within this time on average, in ms, is quick. */
const quickMs = 1000;

/** The limit starts at this part of what the connections carry, and never falls below the second part of it. */
const [startPart, leastPart] = [4, 32] as const;

/** What the limit is multiplied with when the far side fails or throttles, and when it slows down. */
const [afterFailure, afterSlowDown] = [0.5, 0.75] as const;

/** How much one answer counts for the recent time, and for the usual time when it was longer and when it was shorter. */
const [recentWeight, longerWeight, shorterWeight] = [0.05, 0.002, 0.02] as const;

/** The far side slows down when the recent time is so many times the usual one and longer by so many ms at least. */
const [slowDownFactor, slowDownMs] = [2, 100] as const;

/** Without a failure so far the limit doubles in the time of an answer; later it grows by this part. */
const growthPart = 1 / 8;

/**
 * How many deliveries an endpoint has in flight at most. Grows while the limit is used up and answers come; shrinks when the far side
 * throttles, fails or slows down, once in the time of an answer. Times are ms on one clock.
 */
export class EndpointLimit {
  private value: number;
  private recentMs: number | undefined;
  private usualMs: number | undefined;
  private hasShrunk = false;
  private shrunkAt = -Infinity;

  /** `most` is what the connections to the endpoint carry. */
  constructor(private most: number) {
    this.value = Math.ceil(most / startPart);
  }

  get current(): number {
    return Math.max(1, Math.floor(this.value));
  }

  /** How long an answer takes on average; undefined before the first one. */
  get answerMs(): number | undefined {
    return this.recentMs;
  }

  /** Whether answers are known to come soon. */
  get isQuick(): boolean {
    return this.recentMs !== undefined && this.recentMs <= quickMs;
  }

  /** The connections may carry more or less than before. */
  carries(most: number): void {
    if (most === this.most) return;
    this.most = most;
    this.value = Math.min(Math.max(this.value, this.least), most);
  }

  /** An answer that says nothing against the far side came after `ms`; `isUsedUp` while nothing more could be sent. */
  answered(ms: number, isUsedUp: boolean, now: number): void {
    const [recent, usual] = this.note(ms);
    if (recent > slowDownFactor * usual && recent - usual > slowDownMs) return this.shrink(afterSlowDown, now);
    if (!isUsedUp) return;
    this.value = Math.min(this.most, this.value + (this.hasShrunk ? growthPart : 1));
  }

  /** The far side throttled the delivery, failed, or did not answer within `ms`. */
  failed(ms: number, now: number): void {
    this.note(ms);
    this.shrink(afterFailure, now);
  }

  private get least(): number {
    return Math.min(this.most, Math.ceil(this.most / leastPart));
  }

  private note(ms: number): readonly [recent: number, usual: number] {
    const recent = moved(this.recentMs, ms, recentWeight);
    const usual = moved(this.usualMs, ms, ms > (this.usualMs ?? ms) ? longerWeight : shorterWeight);
    this.recentMs = recent;
    this.usualMs = usual;
    return [recent, usual];
  }

  /** What was sent before the limit shrank says nothing about the new limit. */
  private shrink(factor: number, now: number): void {
    if (now - this.shrunkAt < (this.recentMs ?? 0)) return;
    this.hasShrunk = true;
    this.shrunkAt = now;
    this.value = Math.max(this.least, this.value * factor);
  }
}

function moved(average: number | undefined, value: number, weight: number): number {
  return average === undefined ? value : average + weight * (value - average);
}
