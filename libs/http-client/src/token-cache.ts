import { untilAborted } from '@pns/cancellation';
import { NoAnswerError } from './no-answer';

/** An access token from its endpoint. */
export interface Grant {
  readonly text: string;
  readonly lifetimeMs: number;
}

interface Token {
  readonly text: string;
  readonly issuedAt: number;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** A token is renewed this long before it expires; a short-lived one after nine tenths of its life. */
const renewAheadMs = 5 * 60_000;

/** The pause after a failed renewal while the old token is still valid. */
const renewAgainMs = 10_000;

/** How long a refusal stays in effect at most, and how old a token must be to be replaced, in ms. Limits the rate of requests. */
const tokenHoldMs = 5000;

/** The access token of one client. Callers that need a token while it is requested share the request. */
export class TokenCache {
  private token: Token | undefined;
  private request: Promise<string> | undefined;
  private refusal: { readonly error: NoAnswerError; readonly until: number } | undefined;

  constructor(
    /** Requests a token. Rejects with a `NoAnswerError` if it gets none. */
    private readonly grant: () => Promise<Grant>,
    /** Returns the current time, in ms since the epoch. */
    private readonly now: () => number,
  ) {}

  /**
   * Sends with the current token, and once more with another token if the answer shows that the token is not valid.
   * Rejects with a `NoAnswerError`, or the reason of an aborted `signal`.
   */
  async send<Answer>(
    attempt: (token: string) => Promise<Answer>,
    isStale: (answer: Answer) => boolean,
    signal: AbortSignal,
  ): Promise<Answer> {
    const current = this.current();
    const token = typeof current === 'string' ? current : await untilAborted(current, signal);
    const answer = await attempt(token);
    if (!isStale(answer)) return answer;
    const other = this.insteadOf(token);
    if (other === undefined) return answer;
    return attempt(typeof other === 'string' ? other : await untilAborted(other, signal));
  }

  /** Returns a token that has not expired and was not refused; requests one if necessary. */
  private current(): string | Promise<string> {
    const { token } = this;
    if (token === undefined) return this.requested();
    const now = this.now();
    if (now >= token.expiresAt) return this.requested();
    if (now >= token.renewAt) {
      this.token = { ...token, renewAt: now + renewAgainMs };
      // The error is ignored, because the old token is still valid. After the token has expired, the next call reports it.
      this.requested().catch(() => undefined);
    }
    return token.text;
  }

  /** Returns another token than `stale`; undefined if `stale` is so new that another one would be refused too. */
  private insteadOf(stale: string): string | Promise<string> | undefined {
    if (this.token?.text === stale) {
      if (this.now() < this.token.issuedAt + tokenHoldMs) return undefined;
      this.token = undefined;
    }
    return this.current();
  }

  private requested(): Promise<string> {
    const { refusal } = this;
    if (refusal !== undefined && this.now() < refusal.until) return Promise.reject(refusal.error);
    this.request ??= this.renewed().finally(() => (this.request = undefined));
    return this.request;
  }

  private async renewed(): Promise<string> {
    try {
      const { text, lifetimeMs } = await this.grant();
      const issuedAt = this.now();
      const expiresAt = issuedAt + lifetimeMs;
      this.token = { text, issuedAt, expiresAt, renewAt: expiresAt - Math.min(renewAheadMs, lifetimeMs / 10) };
      return text;
    } catch (error) {
      if (error instanceof NoAnswerError) this.refusal = { error, until: this.now() + holdMs(error) };
      throw error;
    }
  }
}

function holdMs({ outcome }: NoAnswerError): number {
  return outcome.kind === 'misconfigured' ? tokenHoldMs : Math.min(outcome.afterMs ?? 0, tokenHoldMs);
}
