/**
 * The reason why a local server could not be started, as one sentence with the remedy.
 *
 * It is not a `PnsError`, because Jest's global setup loads this folder before the build, so it imports no other
 * package of PNS.
 */
export class LocalServerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalServerError';
  }
}
