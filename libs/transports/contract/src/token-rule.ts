/** How the tokens of a transport are spelled and compared. Pure. */
export interface TokenRule {
  /** Whether only the device knows its token, so that the last one who registers it has the device. */
  readonly isSecret: boolean;
  /**
   * The one spelling for all that the far side takes for the same target. It is what is stored, compared and delivered to; the
   * normal form of a normal form is itself.
   */
  normalToken(token: string): string;
  /**
   * What is wrong with a token that no far side could have issued, as in "token must be …"; undefined when it can be one.
   * `allowedHosts` are those that the client's options have beside the provider's.
   */
  tokenProblem(token: string, allowedHosts?: readonly string[]): string | undefined;
}
