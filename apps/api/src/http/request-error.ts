import { PnsError, type PnsErrorCode } from '@pns/runtime';

/** Ends a request with a problem. The message is the sentence that its sender reads. */
export class RequestError extends PnsError {
  constructor(
    code: PnsErrorCode,
    sentence: string,
    /** What exactly is wrong, one by one. */
    readonly errors: readonly object[] = [],
    readonly headers: Readonly<Record<string, string | string[]>> = {},
  ) {
    super(code, sentence);
    this.name = 'RequestError';
  }
}
