/**
 * Why a server for development could not be started, as one sentence that says what to do.
 *
 * No `PnsError`: Jest's global setup loads this folder before anything is built, so it imports no other package of ours.
 */
export class LocalServerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalServerError';
  }
}
