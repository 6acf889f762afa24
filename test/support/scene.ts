import { expect, onTestFinished } from 'vitest';
import { type Authority, createAuthority } from '../../scripts/pki.ts';
import type { ErrorCode, Outcome } from '../../src/errors.ts';
import type { Phase } from '../../src/upstream/trace.ts';
import { type PostOptions, post, type Received } from './caller.ts';
import { type LogLine, type RunningService, startService } from './service.ts';

/** A call as both sides of the service have seen it. */
export interface SeenCall {
  /** What the caller got. */
  readonly answer: Received;
  /** Its line in the log. */
  readonly line: LogLine;
}

export interface Scene {
  readonly service: RunningService;
  /** Makes a call and waits for its log line. */
  call(envelope?: object, options?: PostOptions): Promise<SeenCall>;
}

interface Upstream {
  readonly port: number;
  close(): Promise<void>;
}

/** The call that a test makes if it does not care which. */
const PAYMENT = { method: 'POST', path: '/pay', body: { amount: 1 } };

/**
 * Runs the real service before what `play` starts, until the test ends. Then every call that was made must stand in
 * the log exactly once.
 */
export async function setScene<Played extends Upstream>(
  play: (authority: Authority) => Promise<Played>,
  settings: Readonly<Record<string, string>> = {},
): Promise<Scene & { readonly upstream: Played }> {
  const authority = await createAuthority();
  const upstream = await play(authority);
  const service = await startService({ authority, upstreamPorts: [upstream.port], settings });
  let calls = 0;
  onTestFinished(async () => {
    await service.close();
    await upstream.close();
    expect(await service.callLines(calls)).toHaveLength(calls);
  });
  return {
    upstream,
    service,
    async call(envelope = PAYMENT, options = {}) {
      calls += 1;
      const requestId = `call-${calls}`;
      const answer = await post(service.port, envelope, { ...options, headers: { 'X-Request-Id': requestId } });
      return { answer, line: await lineOf(service, requestId) };
    },
  };
}

async function lineOf(service: RunningService, requestId: string): Promise<LogLine> {
  for (let count = 1; ; count += 1) {
    const lines = await service.callLines(count);
    const line = lines.find((one) => one.requestId === requestId);
    if (line !== undefined) return line;
  }
}

interface Failure {
  readonly status: number;
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  /** Those that the call went through, the one in which it ended included. Default: any. */
  readonly phases?: readonly Phase[] | undefined;
}

/** Holds that the call failed so, for the caller and in the log alike. */
export function expectFailure({ answer, line }: SeenCall, { status, code, outcome, phases }: Failure): void {
  const { timed, logged } = phasesOf({ answer, line });
  const seen = {
    status: answer.status,
    headers: answer.headers,
    body: JSON.parse(answer.body.toString()),
    phases: { timed: withoutWait(timed), logged: withoutWait(logged) },
    line,
  };
  expect(seen).toMatchObject({
    status,
    headers: { 'proxy-outcome': outcome },
    body: { code, outcome, requestId: line.requestId },
    ...(phases && {
      phases: {
        timed: withoutWait(phases.length === 0 ? [] : [...phases, 'total']),
        logged: withoutWait(phases),
      },
    }),
    line: { status, code, outcome },
  });
}

/** Node's word that a request has left, which begins the phase `wait`, may come later than what the server did. */
const withoutWait = (phases: readonly string[]) => phases.filter((phase) => phase !== 'wait');

/** Holds that the call was answered so, for the caller and in the log alike. */
export function expectAnswer(
  { answer, line }: SeenCall,
  status: number,
  body: string,
  outcome: Outcome = 'answered',
): void {
  const { headers, whole } = answer;
  const seen = { status: answer.status, headers, body: answer.body.toString(), whole, line };
  expect(seen).toMatchObject({
    status,
    headers: { 'proxy-outcome': outcome },
    body,
    whole: true,
    line: { status, outcome },
  });
  expect(line).not.toHaveProperty('code');
}

/** The names of the phases in the `Server-Timing` header and in the log line. */
export function phasesOf({ answer, line }: SeenCall): { readonly timed: string[]; readonly logged: string[] } {
  const timing = String(answer.headers['server-timing'] ?? '');
  return { timed: timing.split(/;dur=[\d.]+(?:, |$)/).filter(Boolean), logged: Object.keys(Object(line.phases)) };
}
