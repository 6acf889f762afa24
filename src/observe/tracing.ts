/**
 * Spans for OpenTelemetry. This module, and with it the SDK, is loaded only when OTEL_EXPORTER_OTLP_ENDPOINT is set. Spans
 * are made from the record of a call that has ended: nothing is hooked into, and nothing is added to what the payment API
 * gets.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Attributes, trace as api, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_URL_PATH,
} from '@opentelemetry/semantic-conventions';
import type { Call } from '../http/call.ts';
import { PHASES } from '../upstream/trace.ts';

/** How long the end of the process waits for a receiver. */
const LAST_SPANS_MS = 2_000;

export interface Tracing {
  /** Makes a span of a call that has ended, and one of each of its phases. */
  record(call: Call): void;
  /** Sends what has not been sent; resolves whether or not that succeeds. */
  close(): Promise<void>;
}

/** @param endpoint the base URL of an OTLP/HTTP receiver, such as `http://localhost:4318` */
export function openTracing(endpoint: string, version: string): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: 'toss-mtls-proxy', [ATTR_SERVICE_VERSION]: version }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('toss-mtls-proxy');
  return {
    record(call) {
      const endedAtMs = performance.timeOrigin + call.startedAtMs + call.durationMs;
      const startTime = performance.timeOrigin + call.startedAtMs;
      const span = tracer.startSpan(
        'POST /proxy',
        { kind: SpanKind.SERVER, startTime, attributes: attributesOf(call) },
        parentOf(call),
      );
      if (call.code !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: call.code });
      const within = api.setSpan(ROOT_CONTEXT, span);
      let phaseStartMs = performance.timeOrigin + (call.trace?.startedAtMs ?? 0);
      for (const phase of PHASES) {
        const ms = call.trace?.phasesMs[phase];
        if (ms === undefined) continue;
        tracer.startSpan(phase, { kind: SpanKind.CLIENT, startTime: phaseStartMs }, within).end(phaseStartMs + ms);
        phaseStartMs += ms;
      }
      span.end(endedAtMs);
    },
    close: () => Promise.race([provider.shutdown().catch(() => undefined), delay(LAST_SPANS_MS)]),
  };
}

/** What the log line has as well, under the names of the semantic conventions. */
function attributesOf({ caller, method, host, path, status, outcome, code, requestId }: Call): Attributes {
  return {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_SERVER_ADDRESS]: host,
    [ATTR_URL_PATH]: path,
    [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
    [ATTR_ERROR_TYPE]: code,
    'proxy.outcome': outcome,
    'proxy.caller': caller,
    'proxy.request_id': requestId,
  };
}

function parentOf({ traceParent }: Call) {
  if (traceParent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = traceParent;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return api.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
