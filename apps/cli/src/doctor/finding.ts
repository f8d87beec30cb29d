/** Something that is wrong with an installation. */
export interface Finding {
  /** The part that was checked: a variable, a server, a file or a client. */
  readonly where: string;
  readonly problem: string;
  readonly cure: string;
}
