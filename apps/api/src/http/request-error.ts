import { PnsError, type PnsErrorCode } from '@pns/runtime';

/** An error that ends a request with a problem. Its message becomes the problem's `detail`. */
export class RequestError extends PnsError {
  constructor(
    code: PnsErrorCode,
    sentence: string,
    /** The faults of the request, for the problem's `errors`. */
    readonly errors: readonly object[] = [],
    readonly headers: Readonly<Record<string, string | string[]>> = {},
  ) {
    super(code, sentence);
    this.name = 'RequestError';
  }
}
