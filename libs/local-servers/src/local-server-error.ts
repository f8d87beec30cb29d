/**
 * A server for development could not be started. The message is one sentence that says what to do.
 *
 * It is no `PnsError`, because Jest's global setup loads this folder before the build, so the folder imports no other package.
 */
export class LocalServerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalServerError';
  }
}
