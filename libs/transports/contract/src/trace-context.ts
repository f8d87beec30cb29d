/** The place of a span in its trace, as in the headers `traceparent` and `tracestate` of W3C Trace Context. */
export interface TraceContext {
  readonly traceparent: string;
  /** Entries of tracing systems. They are passed on unchanged. */
  readonly tracestate?: string | undefined;
}

/** `<version>-<trace>-<span>-<flags>` in lower-case hex; versions after 00 may add fields. */
const form = /^(00|(?!ff)[0-9a-f]{2}(?=-.{52}(?:$|-)))-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/;

/** Length of a `traceparent` of version 00. */
const traceparentLength = 55;

/** W3C Trace Context, 3.3.1.5: at least this many characters must be passed on. A longer `tracestate` is dropped. */
const maxTracestateLength = 512;

/**
 * The context in the headers of a request or in the fields of a notification. Undefined if `traceparent` is absent or malformed:
 * W3C Trace Context requires that a malformed one is ignored.
 */
export function traceContextOf(traceparent: unknown, tracestate?: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const [, version, trace, span, flags = ''] = form.exec(traceparent) ?? [];
  if (trace === undefined || (version === '00' && traceparent.length !== traceparentLength)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  const normal = `00-${trace}-${span}-${isSampled ? '01' : '00'}`;
  const isKept =
    typeof tracestate === 'string' && /^[ -~]+$/.test(tracestate) && tracestate.length <= maxTracestateLength;
  return isKept ? { traceparent: normal, tracestate } : { traceparent: normal };
}

/** Whether the spans of this trace are recorded. */
export function isSampled({ traceparent }: TraceContext): boolean {
  return traceparent.endsWith('1');
}
