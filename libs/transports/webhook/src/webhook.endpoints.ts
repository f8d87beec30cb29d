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

/** One attempt's verdict, and whether it speaks against the endpoint as a whole. */
export interface AttemptVerdict {
  readonly outcome: Outcome;
  readonly isEndpointFailure: boolean;
}

export interface CircuitOptions {
  /** So many failures in a row open the circuit. */
  readonly failures: number;
  /** How long it stays open for the first time, in ms; twice as long after each further try that failed, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

const defaults: CircuitOptions = { failures: 5, openMs: 2000, maxOpenMs: 60_000 };

/** So many endpoints are remembered; beyond that the one known longest starts anew. */
const maxEndpoints = 10_000;

/** While one attempt tries whether the endpoint is back, the others look again after so many ms. */
const halfOpenWaitMs = 1000;

interface Endpoint {
  readonly slots: BulkheadPolicy;
  readonly breaker: CircuitBreakerPolicy;
  /** When an open circuit lets the next try through, in ms since the epoch. */
  nextTryAt: number;
}

/**
 * Slots and a circuit breaker for each endpoint. Waiting for a slot takes none of an attempt's time, so a burst never
 * looks like a dead endpoint. After repeated failures deliveries are deferred at once, until a single attempt succeeds.
 */
export class Endpoints {
  private readonly known = new Map<string, Endpoint>();

  constructor(private readonly options: CircuitOptions = defaults) {}

  /** How many endpoints have an open circuit now. */
  get open(): number {
    return [...this.known.values()].filter(({ breaker }) => breaker.state !== CircuitState.Closed).length;
  }

  /**
   * Makes the attempt as one of at most `slots`, or answers a deferral with the time to wait while the circuit is open. `prepare` is
   * called before the attempt and can defer it too, which says nothing about the endpoint.
   */
  async run(
    name: string,
    slots: number,
    attempt: () => Promise<AttemptVerdict>,
    prepare: () => Promise<Outcome | undefined> | undefined = () => undefined,
  ): Promise<Outcome> {
    // Slots that have changed make it another endpoint, whose circuit starts anew.
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
      slots: bulkhead(slots, Infinity),
      breaker: circuitBreaker(
        handleWhenResult((result) => (result as AttemptVerdict).isEndpointFailure),
        { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: new DelegateBackoff(openFor) },
      ),
    };
    const longestKnown = this.known.keys().next();
    if (this.known.size >= maxEndpoints && !longestKnown.done) this.known.delete(longestKnown.value);
    this.known.set(key, endpoint);
    return endpoint;
  }
}

/** The deferral while the circuit is open, or while one attempt finds out whether it may be closed. */
function deferredBy({ breaker, nextTryAt }: Endpoint): Outcome | undefined {
  // Cockatiel would let the others wait for the one that tries, and keep their slots meanwhile.
  if (breaker.state === CircuitState.HalfOpen) return deferred(halfOpenWaitMs);
  const waitMs = breaker.state === CircuitState.Open ? nextTryAt - Date.now() : 0;
  return waitMs > 0 ? deferred(waitMs) : undefined;
}

async function attemptUnlessOpen(endpoint: Endpoint, attempt: () => Promise<AttemptVerdict>): Promise<Outcome> {
  // The circuit may have opened while the attempt was prepared.
  const open = deferredBy(endpoint);
  if (open !== undefined) return open;
  try {
    return (await endpoint.breaker.execute(attempt)).outcome;
  } catch (error) {
    if (isBrokenCircuitError(error)) return deferred(endpoint.nextTryAt - Date.now());
    throw error;
  }
}

function deferred(waitMs: number): Outcome {
  const afterMs = Math.max(waitMs, 1);
  const reason = 'The endpoint failed repeatedly; nothing is sent to it for a while.';
  return { kind: 'retry', reason, afterMs, isSpared: true };
}
