import type { TransportName } from '@pns/transport-contract';

/** The normal forms of tokens. The app provides them, because a stage must not import a transport. */
export abstract class TokenForms {
  /** The normal form of `token`: equal for all spellings that the provider of `transport` accepts as the same token. */
  abstract readonly normalToken: (transport: TransportName, token: string) => string;
}
