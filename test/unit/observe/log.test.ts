import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../../src/errors.ts';
import type { Call } from '../../../src/http/call.ts';
import { type Log, logCall, logHandshake } from '../../../src/observe/log.ts';
import { Trace } from '../../../src/upstream/trace.ts';
import { answeredTrace, endedCall } from './call.ts';

const INFO = 30;
const WARN = 40;
const ERROR = 50;
const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The one line that is logged. */
function lineOf(write: (log: Log) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(pino({ base: null, timestamp: false }, { write: (text: string) => lines.push(text) }));
  expect(lines).toHaveLength(1);
  return JSON.parse(String(lines[0]));
}

const callLine = (call: Call, wasCut = false) => lineOf((log) => logCall(log, call, wasCut));

describe('the line of a call', () => {
  test('that was answered has these fields and no other', () => {
    const call = endedCall(
      {
        caller: 'shop',
        method: 'POST',
        host: 'pay.example',
        path: '/pay',
        status: 200,
        trace: answeredTrace(200),
      },
      '198.51.100.1, 203.0.113.9',
    );

    expect(callLine(call)).toEqual({
      level: INFO,
      time: expect.stringMatching(ISO_8601),
      msg: 'call',
      requestId: 'call-1',
      caller: 'shop',
      method: 'POST',
      host: 'pay.example',
      path: '/pay',
      status: 200,
      outcome: 'answered',
      durationMs: expect.any(Number),
      phases: { dns: 1.235, tcp: 2, tls: 3, send: 4, wait: 5, receive: 6 },
      reused: false,
      bytesSent: 12,
      bytesReceived: 34,
      forwardedFor: '203.0.113.9',
    });
  });

  test('that was refused says what is known, and that nothing was processed', () => {
    const call = endedCall({ status: 401, error: new ProxyError('unauthorized') });

    expect(callLine(call)).toEqual({
      level: INFO,
      time: expect.stringMatching(ISO_8601),
      msg: 'call',
      requestId: 'call-1',
      status: 401,
      code: 'unauthorized',
      outcome: 'not_processed',
      durationMs: expect.any(Number),
    });
  });

  test('that failed holds the code of its cause, never its text', () => {
    const cause = Object.assign(new Error('read ECONNRESET secret'), { code: 'ECONNRESET', stack: 'secret' });
    const trace = Object.assign(new Trace(), { handedOver: true, failure: 'upstream_reset' });
    const error = new ProxyError('upstream_reset', { outcome: 'unknown', cause });
    const line = callLine(endedCall({ status: 502, error, trace }));

    expect(line).toMatchObject({ level: WARN, code: 'upstream_reset', outcome: 'unknown', cause: 'ECONNRESET' });
    expect(JSON.stringify(line)).not.toContain('secret');
  });

  test('is left out where the level of the log asks for less', () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (text: string) => lines.push(text) });

    logCall(log, endedCall({ status: 200, trace: answeredTrace(200) }), false);
    expect(lines).toEqual([]);

    logCall(log, endedCall({ status: 502, trace: Object.assign(new Trace(), { handedOver: true }) }), false);
    expect(lines).toHaveLength(1);
  });

  test('says when the caller was gone before an answer', () => {
    expect(callLine(endedCall({ trace: answeredTrace(200) }))).toMatchObject({ outcome: 'answered', callerGone: true });
  });

  test('says when the process has cut it, which is not the caller’s doing', () => {
    const trace = Object.assign(new Trace(), { handedOver: true });
    const line = callLine(endedCall({ trace }), true);

    expect(line).toMatchObject({ level: WARN, outcome: 'unknown', wasCut: true });
    expect(line).not.toHaveProperty('callerGone');
  });

  test.each<[string, Partial<Call>, number]>([
    ['an answer of the payment API, whatever its status', { status: 500, trace: answeredTrace(500) }, INFO],
    ['a refusal', { status: 400, error: new ProxyError('invalid_json') }, INFO],
    ['a call that was surely not processed', { status: 502, error: new ProxyError('upstream_unreachable') }, INFO],
    [
      'a call whose outcome is unknown',
      { status: 504, error: new ProxyError('upstream_timeout', { outcome: 'unknown' }) },
      WARN,
    ],
    ['an answer that may come from a balancer', { status: 408, trace: answeredTrace(408) }, WARN],
    ['a bug', { status: 500, error: new ProxyError('internal_error') }, WARN],
  ])('%s has its level', (_name, filled, level) => {
    expect(callLine(endedCall(filled)).level).toBe(level);
  });
});

describe('the line of a handshake', () => {
  test('that has failed tells the operator what to look at', () => {
    const failure = { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', message: 'secret' };

    expect(lineOf((log) => logHandshake(log, 'pay.example', 'client_certificate_rejected', failure))).toEqual({
      level: ERROR,
      msg: expect.stringContaining('refused our client certificate'),
      target: 'pay.example',
      code: 'client_certificate_rejected',
      cause: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    });
  });

  test('that succeeds again tells that it does', () => {
    expect(lineOf((log) => logHandshake(log, 'pay.example', 'ok', undefined))).toEqual({
      level: INFO,
      msg: 'handshake completed',
      target: 'pay.example',
    });
  });
});
