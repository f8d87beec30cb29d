/** How the tokens of a transport are spelled and compared. The functions have no side effects. */
export interface TokenRule {
  /** Whether a token is a secret of its device. If so, the last user who registers the token owns the device. */
  readonly isSecret: boolean;
  /**
   * The normal form of all spellings that the provider treats as the same target. It is stored, compared and used for delivery. The
   * normal form of a normal form is itself.
   */
  normalToken(token: string): string;
  /**
   * The fault of a token that no provider could have issued, as words after "token", such as "must be …"; undefined if the token
   * is valid. `allowedHosts` are the hosts in the client's options, in addition to the provider's hosts.
   */
  tokenProblem(token: string, allowedHosts?: readonly string[]): string | undefined;
}
