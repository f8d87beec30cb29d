/**
 * A server for development could not be started. The message is one sentence that says what to do.
 *
 * It is no `PnsError`: Jest's global setup loads this folder before the build, so it imports no other package of the project.
 */
export class LocalServerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalServerError';
  }
}
