import { randomUUID } from 'node:crypto';
import {
  createTraceState,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { TraceContext } from '@pns/transport-contract';
import { log } from './log';
import { version } from './metrics';
import { RecurringFault } from './recurring-fault';
import type { NewSpan, OpenSpan, SpanAttributes, Traces } from './traces';

/** At the end of the process, the export of the last spans may take this long, in ms. */
const lastExportMs = 3000;

const kinds = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
} as const;

/**
 * Traces by the SDK of OpenTelemetry, which reads its settings from the variables `OTEL_*`. Callers pass the parent of each span,
 * because a notification waits in Redis between two spans; nothing is stored in the context of asynchronous calls.
 */
export class OpenTelemetry implements Traces {
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;

  constructor(app: string) {
    logWarnings();
    const own = {
      'service.name': `pns-${app}`,
      'service.namespace': 'pns',
      'service.version': version,
      'service.instance.id': randomUUID(),
      'process.pid': process.pid,
    };
    const given = detectResources({ detectors: [envDetector] });
    this.provider = new BasicTracerProvider({
      resource: defaultResource().merge(resourceFromAttributes(own)).merge(given),
      spanProcessors: [new BatchSpanProcessor(new LoggedExporter(new OTLPTraceExporter()))],
    });
    this.tracer = this.provider.getTracer('pns', version);
  }

  start({ name, kind, parent, links = [], attributes }: NewSpan): OpenSpan {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
    const span = this.tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        attributes,
        links: links.map((traceparent) => ({ context: spanContextOf({ traceparent }) })),
      },
      context,
    );
    let isEnded = false;
    return {
      trace: traceContextOf(span.spanContext()),
      end: (more: SpanAttributes = {}, fault?: string) => {
        if (isEnded) return;
        isEnded = true;
        span.setAttributes(more);
        if (fault !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: fault });
        span.end();
      },
    };
  }

  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, lastExportMs)));
    await Promise.race([this.provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

/** Parses a trace context; its `traceparent` must be of version 00. */
function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = '', spanId = '', flags] = traceparent.split('-');
  return {
    traceId,
    spanId,
    traceFlags: flags === '01' ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
  const tracestate = traceState?.serialize() ?? '';
  return tracestate === '' ? { traceparent } : { traceparent, tracestate };
}

/** Logs when the export of spans begins to fail, and when it works again. */
class LoggedExporter implements SpanExporter {
  private readonly fault = new RecurringFault('traces.not-exported', 'traces.exported');

  constructor(private readonly exporter: SpanExporter) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.exporter.export(spans, (result) => {
      if (result.error === undefined) this.fault.isOver();
      else this.fault.occurred(result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }
}

/**
 * Logs the SDK's own messages: a wrong setting, or spans that were dropped because they ended faster than they were exported.
 * Logs at most one message a minute, because the message about dropped spans repeats.
 */
function logWarnings(): void {
  const nothing = (): void => undefined;
  let silentUntil = 0;
  const warn = (message: string): void => {
    if (Date.now() < silentUntil) return;
    silentUntil = Date.now() + 60_000;
    log.warn({ event: 'traces.warning', reason: message.split('\n', 1)[0] });
  };
  // Errors of the export are ignored here, because `LoggedExporter` has logged them.
  diag.setLogger({ error: nothing, warn, info: nothing, debug: nothing, verbose: nothing }, DiagLogLevel.WARN);
}
