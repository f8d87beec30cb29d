import { PnsError } from '@pns/runtime';
import type { ProblemCode } from './problems';

/** Ends a request with a problem. The message is the sentence that its sender reads. */
export class RequestError extends PnsError {
  constructor(
    code: ProblemCode,
    sentence: string,
    /** What exactly is wrong, one by one. */
    readonly errors: readonly object[] = [],
    readonly headers: Readonly<Record<string, string | string[]>> = {},
  ) {
    super(code, sentence);
    this.name = 'RequestError';
  }
}
