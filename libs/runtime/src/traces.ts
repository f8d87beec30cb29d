import type { TraceContext } from '@pns/transport-contract';
import { areTracesOn } from './env';

/** Values that are undefined are left out. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

/** A span to start. */
export interface NewSpan {
  /** Contains no ids or tokens, because tracing systems group spans by name. */
  readonly name: string;
  /** `producer` puts into a window, `consumer` takes from a window or queue, `server` gets a request, `client` sends one. */
  readonly kind: 'server' | 'producer' | 'consumer' | 'client';
  /** A span without a parent begins a trace. */
  readonly parent?: TraceContext | undefined;
  /** The `traceparent` of other spans. */
  readonly links?: readonly string[] | undefined;
  readonly attributes: SpanAttributes;
}

/** A span that was started. It is recorded only if its trace is sampled. */
export interface OpenSpan {
  /** The `parent` for children of the span. */
  readonly trace: TraceContext;
  /** Ends the span. With a `fault`, the span counts as failed. Only the first call has an effect. */
  end(attributes?: SpanAttributes, fault?: string): void;
}

/** Records spans and exports them. */
export interface Traces {
  start(span: NewSpan): OpenSpan;
  /** Exports the spans that have ended. Never rejects. */
  stop(): Promise<void>;
}

let running: Traces | undefined;

/** The traces of the process; undefined while it records none. */
export function traces(): Traces | undefined {
  return running;
}

/** Starts to record the traces of this process if `areTracesOn()`. Otherwise it does not load the code for traces. */
export async function startTraces(app: string): Promise<void> {
  if (running !== undefined || !areTracesOn()) return;
  const { OpenTelemetry } = await import('@pns/runtime/open-telemetry');
  running = new OpenTelemetry(app);
}

/** Stops recording traces. Resolves when the ended spans were exported or a few seconds are over. */
export async function stopTraces(): Promise<void> {
  const stopping = running;
  running = undefined;
  await stopping?.stop();
}
