import type { Delivery } from './delivery';
import type { Outcome } from './outcome';
import type { TransportName } from './transport-name';

/** The protocol of one provider. Sends each delivery once and never retries; retries belong to the queue. */
export interface Transport {
  readonly name: TransportName;
  /** The options of a client: the same object until they change. Absent if the transport has no options. */
  readonly options?: (client: string) => unknown;
  /** When the certificate of a client expires, in ms since the epoch; undefined if it has none. */
  readonly credentialsExpireAt?: (client: string) => number | undefined;
  /**
   * How many deliveries of a client the connections to one endpoint can carry at once. The number may change. Absent if the
   * transport waits for no answers.
   */
  readonly capacity?: (client: string) => number;
  /**
   * How many endpoints have an open circuit because they failed repeatedly. Absent if the transport has no circuits.
   */
  readonly openCircuits?: number;
  /** Sends once. Resolves with the outcome; rejects only for a bug in PNS or an aborted `signal`. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome>;
  /**
   * Resolves when deliveries in progress have ended and all connections are closed. `deliver` must not be called
   * afterwards.
   */
  close?(): Promise<void>;
}
