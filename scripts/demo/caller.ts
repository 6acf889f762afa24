import { z } from 'zod';

/** One phase of a call, as `Server-Timing` names it. */
export interface Phase {
  readonly name: string;
  readonly durationMs: number;
}

/** What a caller of the service sees of one call. */
export interface Reply {
  readonly status: number;
  /** The header `Proxy-Outcome`. */
  readonly outcome: string;
  readonly phases: readonly Phase[];
  readonly totalMs: number;
  /** The service's own error code, when the answer is the service's. */
  readonly code: string | undefined;
  /** What the payment API answered with success. */
  readonly success: Readonly<Record<string, unknown>>;
}

export type Envelope = Readonly<Record<string, unknown>>;

const Answer = z.object({ code: z.string().optional(), success: z.record(z.string(), z.unknown()).optional() });

/** Sends one envelope to the service at `url`; takes 30 s at most. */
export async function callProxy(url: string, apiKey: string, envelope: Envelope): Promise<Reply> {
  const response = await fetch(`${url}/proxy`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(envelope),
    signal: AbortSignal.timeout(30_000),
  });
  const { code, success = {} } = Answer.parse(await response.json());
  const timings = parseServerTiming(response.headers.get('server-timing') ?? '');
  const phases = timings.filter(({ name }) => name !== 'total');
  const sumMs = phases.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const totalMs = timings.find(({ name }) => name === 'total')?.durationMs ?? sumMs;
  const outcome = response.headers.get('proxy-outcome') ?? '(none)';
  return { status: response.status, outcome, phases, totalMs, code, success };
}

/** @param header such as `tcp;dur=0.4, tls;dur=3.1` (W3C Server Timing), durations in ms */
function parseServerTiming(header: string): Phase[] {
  return header.split(',').flatMap((metric) => {
    const [name = '', ...parameters] = metric.trim().split(';');
    const duration = parameters.find((parameter) => parameter.trim().startsWith('dur='));
    return duration === undefined ? [] : [{ name, durationMs: Number(duration.trim().slice(4)) }];
  });
}
