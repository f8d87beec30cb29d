import { PnsError, type PnsErrorCode } from '@pns/runtime';

/** Ends a request with a problem. The message becomes its `detail`. */
export class RequestError extends PnsError {
  constructor(
    code: PnsErrorCode,
    sentence: string,
    /** The single faults. */
    readonly errors: readonly object[] = [],
    readonly headers: Readonly<Record<string, string | string[]>> = {},
  ) {
    super(code, sentence);
    this.name = 'RequestError';
  }
}
