import type { Outcome } from '@pns/transport-contract';
import {
  bulkhead,
  type BulkheadPolicy,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleWhenResult,
  isBrokenCircuitError,
} from 'cockatiel';
import { LRUCache } from 'lru-cache';

/** The outcome of one attempt, and whether it counts as a failure of the endpoint. */
export interface AttemptVerdict {
  readonly outcome: Outcome;
  readonly isEndpointFailure: boolean;
  /** Set if no request was made because of a fault of this process or its host. */
  readonly isLocalFault?: true;
  /** Set if the answer concerns only the credentials of this subscription; other subscriptions can use the endpoint. */
  readonly isAboutCaller?: true;
  /** How long nothing more may be sent to the endpoint, in ms, if it requested a pause. */
  readonly pauseMs?: number;
}

interface CircuitOptions {
  /** This number of failures in a row opens the circuit. */
  readonly failures: number;
  /** How long the circuit stays open at first, in ms; doubled after each failed try, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

const defaults: CircuitOptions = { failures: 5, openMs: 2000, maxOpenMs: 60_000 };

/** The maximum number of endpoints whose state is kept, because users can name any host. The least recently used goes first. */
const maxEndpoints = 10_000;

const pauseReason = 'The endpoint requested a pause for all its deliveries; nothing was sent.';

/** While one attempt tests the endpoint, other deliveries are deferred for this time, in ms. */
const halfOpenWaitMs = 1000;

interface Endpoint {
  readonly slots: BulkheadPolicy;
  readonly breaker: CircuitBreakerPolicy;
  /** When an open circuit allows the next attempt, in ms since the epoch. */
  nextTryAt: number;
  /** When a pause that the endpoint requested ends, in ms since the epoch. */
  pausedUntil: number;
}

/**
 * Slots, pauses and a circuit breaker for each endpoint. Waiting for a slot does not count towards an attempt's time-out, so a
 * burst never looks like a dead endpoint. After repeated failures deliveries are deferred, until one attempt that tests the
 * endpoint succeeds.
 */
export class Endpoints {
  private readonly known = new LRUCache<string, Endpoint>({ max: maxEndpoints });

  constructor(private readonly options: CircuitOptions = defaults) {}

  /** How many endpoints have a circuit that is open or half-open now. */
  get open(): number {
    return [...this.known.values()].filter(({ breaker }) => breaker.state !== CircuitState.Closed).length;
  }

  /**
   * Makes the attempt when fewer than `slots` attempts at the endpoint are in progress. During a pause or while the circuit
   * is open, returns a deferral with the time to wait instead. `prepare` is called before the attempt and can also defer the
   * attempt, without effect on the circuit.
   */
  async run(
    name: string,
    slots: number,
    attempt: () => Promise<AttemptVerdict>,
    prepare: () => Promise<Outcome | undefined> | undefined = () => undefined,
  ): Promise<Outcome> {
    // With another number of slots, the endpoint counts as a new one with a new circuit.
    const key = `${slots} ${name}`;
    const endpoint = this.known.get(key) ?? this.remember(key, slots);
    return endpoint.slots.execute(async () => {
      const preparation = deferredBy(endpoint) ?? prepare();
      const deferral = preparation === undefined ? undefined : await preparation;
      return deferral ?? attemptUnlessOpen(endpoint, attempt);
    });
  }

  private remember(key: string, slots: number): Endpoint {
    const { failures, openMs, maxOpenMs } = this.options;
    const openFor = ({ attempt }: { attempt: number }): number => {
      const durationMs = Math.min(openMs * 2 ** (attempt - 1), maxOpenMs);
      endpoint.nextTryAt = Date.now() + durationMs;
      return durationMs;
    };
    const endpoint: Endpoint = {
      nextTryAt: 0,
      pausedUntil: 0,
      slots: bulkhead(slots, Infinity),
      breaker: circuitBreaker(
        handleWhenResult((result) => (result as AttemptVerdict).isEndpointFailure),
        { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: new DelegateBackoff(openFor) },
      ),
    };
    this.known.set(key, endpoint);
    return endpoint;
  }
}

/** Returns a deferral during a pause, and while the circuit is open or half-open; otherwise undefined. */
function deferredBy({ breaker, nextTryAt, pausedUntil }: Endpoint): Outcome | undefined {
  const pauseMs = pausedUntil - Date.now();
  if (pauseMs > 0) return { kind: 'retry', reason: pauseReason, afterMs: pauseMs, isDeferred: true };
  // Otherwise Cockatiel would let other attempts wait in their slots until the attempt that tests the endpoint has ended.
  if (breaker.state === CircuitState.HalfOpen) return deferred(halfOpenWaitMs);
  const waitMs = breaker.state === CircuitState.Open ? nextTryAt - Date.now() : 0;
  return waitMs > 0 ? deferred(waitMs) : undefined;
}

async function attemptUnlessOpen(endpoint: Endpoint, attempt: () => Promise<AttemptVerdict>): Promise<Outcome> {
  // The circuit may have opened while the attempt was prepared.
  const open = deferredBy(endpoint);
  if (open !== undefined) return open;
  try {
    const { outcome, pauseMs = 0, isLocalFault, isAboutCaller } = await endpoint.breaker.execute(attempt);
    if (pauseMs > 0) endpoint.pausedUntil = Math.max(endpoint.pausedUntil, Date.now() + pauseMs);
    if (isLocalFault === true && outcome.kind === 'retry') return { ...outcome, isInternal: true };
    return isAboutCaller === true ? outcome : fromEndpoint(outcome);
  } catch (error) {
    if (isBrokenCircuitError(error)) return deferred(endpoint.nextTryAt - Date.now());
    throw error;
  }
}

/** Marks the outcomes that can be the fault of the endpoint. */
function fromEndpoint(outcome: Outcome): Outcome {
  return outcome.kind === 'retry' || outcome.kind === 'misconfigured' ? { ...outcome, isFromEndpoint: true } : outcome;
}

function deferred(waitMs: number): Outcome {
  const afterMs = Math.max(waitMs, 1);
  const reason = 'The endpoint failed repeatedly; nothing is sent to it for a while.';
  return { kind: 'retry', reason, afterMs, isDeferred: true };
}
