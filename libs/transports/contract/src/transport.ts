import type { Delivery } from './delivery';
import type { Outcome } from './outcome';
import type { TransportName } from './transport-name';

/** One provider's wire. Sends each delivery once and never retries: the queue owns time. */
export interface Transport {
  readonly name: TransportName;
  /** What a client's deliveries are sent with; another object once that changed. Absent where nothing can be set. */
  readonly options?: (client: string) => unknown;
  /** When the certificate that a client signs in with expires, in ms since the epoch; undefined where it has none. */
  readonly credentialsExpireAt?: (client: string) => number | undefined;
  /**
   * How many deliveries of a client one endpoint takes at once, as its connections and their streams allow; may change. Absent where
   * there is no far side to wait for.
   */
  readonly capacity?: (client: string) => number;
  /** How many endpoints have an open circuit because they failed repeatedly. Absent where the transport has no circuits. */
  readonly openCircuits?: number;
  /** Sends once. Resolves with the far side's verdict; rejects only for our own bugs or an aborted `signal`. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome>;
  /** Resolves when deliveries in progress have ended and all connections are closed. Nothing can be delivered afterwards. */
  close?(): Promise<void>;
}
