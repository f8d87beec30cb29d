import type { TransportName } from '@pns/transport-contract';

/** How transports spell their tokens. An app hands it in, because a stage knows no transport. */
export abstract class TokenForms {
  /** The one spelling for all that the far side of `transport` takes for the same token. */
  abstract readonly normalToken: (transport: TransportName, token: string) => string;
}
