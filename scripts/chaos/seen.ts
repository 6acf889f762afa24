/** What a caller sees of the service, and how to read it; pure. */
import { z } from 'zod';
import type { CallPlan } from './plan.ts';

/** What a caller of the service has seen of one call. */
export interface Seen {
  /** None if the connection ended before. */
  readonly answer: SeenAnswer | undefined;
  /** Whether the caller itself hung up before it had the whole answer. */
  readonly hasLeft: boolean;
  /** The code of the error of its connection. */
  readonly errorCode: string | undefined;
  /** On the clock of `performance.now()`. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

export interface SeenAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Whether it came to its end; otherwise the connection was cut. */
  readonly isWhole: boolean;
}

/** The value of `Proxy-Outcome`. */
export function outcomeOf({ rawHeaders }: SeenAnswer): string | undefined {
  return headersOf(rawHeaders).find(([name]) => name === 'Proxy-Outcome')?.[1];
}

/** Whether the answer is the service's own: an error of its table (RFC 9209 §2.1.1). */
export function isOurs({ rawHeaders }: SeenAnswer): boolean {
  return headersOf(rawHeaders).some(([name, value]) => name === 'Proxy-Status' && value.includes('error='));
}

/** Whether it is a 408 that the payment API has sent without being asked, and that no call's answer can be. */
export function isStray({ status, rawHeaders }: SeenAnswer): boolean {
  return status === 408 && !headersOf(rawHeaders).some(([name]) => name === 'X-Answer-To');
}

/** What each connection has for itself, and what the service says about the call. */
const NOT_PASSED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'date',
  'x-request-id',
  'proxy-outcome',
  'proxy-status',
  'server-timing',
]);

/** Whether status, headers and body are the planned ones, or the beginning of the body if it may break off. */
export function hasPassed(answer: SeenAnswer, { answer: planned, method }: CallPlan, mayBreakOff: boolean): boolean {
  const passed = headersOf(answer.rawHeaders).filter(([name]) => !NOT_PASSED.has(name.toLowerCase()));
  if (answer.status !== planned.status || JSON.stringify(passed) !== JSON.stringify(planned.headers)) return false;
  const body = method === 'HEAD' ? Buffer.alloc(0) : planned.body;
  return answer.body.equals(mayBreakOff ? body.subarray(0, answer.body.length) : body);
}

function headersOf(rawHeaders: readonly string[]): [name: string, value: string][] {
  const headers: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return headers;
}

const OurError = z.object({ code: z.string(), outcome: z.string(), requestId: z.string() }).partial();

/** What an error of the service's own says in its body. */
export function errorOf({ body }: SeenAnswer): z.output<typeof OurError> {
  try {
    return OurError.parse(JSON.parse(body.toString()));
  } catch {
    return {};
  }
}
