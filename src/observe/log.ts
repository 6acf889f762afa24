import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { Call } from '../http/call.ts';
import type { Failure } from '../upstream/failure.ts';
import { PHASES, type PhasesMs } from '../upstream/trace.ts';
import { standardOutput } from './log-output.ts';

export type Log = Logger;

const STDOUT = 1;

/** Opens the log on standard output: JSON lines, or readable ones where a person looks at a terminal in development. */
export async function openLog({ logLevel, nodeEnv }: Pick<Config, 'logLevel' | 'nodeEnv'>): Promise<Log> {
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // Not `process.stdout.isTTY`: that makes a pipe non-blocking, and a full one would then cost naps of 100 ms.
  if (nodeEnv === 'production' || !isatty(STDOUT)) return pino(options, standardOutput());
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss.l' }));
}

/**
 * The one line of a call: what was asked of whom, and what became of it. No header, body, query or key is in it.
 *
 * @param wasCut whether it ended only because the process does
 */
export function logCall(log: Log, call: Call, wasCut: boolean): void {
  const level = call.outcome === 'unknown' || call.code === 'internal_error' ? 'warn' : 'info';
  if (!log.isLevelEnabled(level)) return;
  const { trace } = call;
  const line = {
    level: log.levels.values[level],
    time: isoTime(Date.now()),
    requestId: call.requestId,
    traceId: call.traceParent?.traceId,
    parentSpanId: call.traceParent?.spanId,
    caller: call.caller,
    method: call.method,
    host: call.host,
    path: call.path,
    status: call.status,
    code: call.code,
    outcome: call.outcome,
    durationMs: rounded(call.durationMs),
    phases: trace && roundedAll(trace.phasesMs),
    reused: trace?.reused,
    bytesSent: trace?.bytesSent,
    bytesReceived: trace?.bytesReceived,
    peer: call.peer,
    forwardedFor: call.forwardedFor,
    callerGone: (call.status === undefined && !wasCut) || undefined,
    wasCut: wasCut || undefined,
    cause: causeCode(call.error?.cause),
    msg: 'call',
  };
  outputOf(log).write(`${JSON.stringify(line)}\n`);
}

/**
 * Where pino writes its lines. That of a call goes there straight, in pino's form: `JSON.stringify` is a part of V8, and
 * pino's walk through twenty fields was 7 % of the CPU time of a call.
 */
function outputOf(log: Log): DestinationStream {
  // Every logger of pino has it; its type leaves it out.
  return (log as Log & { readonly [pino.symbols.streamSym]: DestinationStream })[pino.symbols.streamSym];
}

/** A target's handshakes have begun to end otherwise than before: the operator hears of it before a payment does. */
export function logHandshake(log: Log, target: string, result: 'ok' | ErrorCode, failure: Failure | undefined): void {
  if (result === 'ok') log.info({ target }, 'handshake completed');
  else log.error({ target, code: result, cause: failure?.code }, ERRORS[result].message);
}

let lastTime = { ms: 0, text: '' };

/** The time as pino writes it, made once for all calls that end in the same millisecond. */
function isoTime(ms: number): string {
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() };
  return lastTime.text;
}

/** The code of what went wrong beneath, such as `ECONNRESET`; never its text, which might quote a request. */
function causeCode(cause: unknown): string | undefined {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function roundedAll(phasesMs: PhasesMs): PhasesMs {
  const all: PhasesMs = {};
  for (const phase of PHASES) {
    const ms = phasesMs[phase];
    if (ms !== undefined) all[phase] = rounded(ms);
  }
  return all;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
