/** What the sandbox can be told to do wrong with one call, by the request header of this name. */
export const FAULT_HEADER = 'x-sandbox-fault';

/**
 * - `delay=MS`: waits, then processes and answers, also when the caller has gone.
 * - `drip=MS`: processes, then answers in sixteen pieces with a pause before each.
 * - `hang`: processes, never answers.
 * - `reset-before`: resets the connection; reads and processes nothing.
 * - `reset-after`: processes, then resets the connection instead of answering.
 * - `half`: processes, sends the head and half the body, then cuts the connection.
 * - `500`, `4095`: processes nothing; answers as Toss does when it fails, or when it is asked too often.
 */
const FAULTS = ['delay', 'drip', 'hang', 'reset-before', 'reset-after', 'half', '500', '4095'] as const;

export interface Fault {
  readonly kind: (typeof FAULTS)[number] | 'none';
  /** For `delay` and `drip`; else 0. */
  readonly pauseMs: number;
}

/** How the header is written, for people. */
export const FAULT_FORMS = FAULTS.map((kind) => (takesPause(kind) ? `${kind}=MS` : kind)).join(' | ');

const MAX_PAUSE_MS = 600_000;

/** @returns undefined when the header asks for something that the sandbox cannot do */
export function parseFault(header: string | undefined): Fault | undefined {
  if (header === undefined) return { kind: 'none', pauseMs: 0 };
  const [name, value] = header.split('=', 2);
  const kind = FAULTS.find((fault) => fault === name);
  if (kind === undefined) return undefined;
  if (!takesPause(kind)) return value === undefined ? { kind, pauseMs: 0 } : undefined;
  const pauseMs = /^\d{1,6}$/.test(value ?? '') ? Number(value) : Number.NaN;
  return pauseMs <= MAX_PAUSE_MS ? { kind, pauseMs } : undefined;
}

function takesPause(kind: Fault['kind']): boolean {
  return kind === 'delay' || kind === 'drip';
}
