/**
 * An error of the domain. `code` is stable and machine-readable, the message is one sentence for a person that says
 * what to do. The HTTP edge maps codes to statuses; libs do not know them.
 */
export class PnsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'PnsError';
  }
}
