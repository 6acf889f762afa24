import { expect, test } from 'vitest';
import { type PhasesMs, Trace } from '../../../src/upstream/trace.ts';

function answered(status: number, endIsKnown = true): Trace {
  return Object.assign(new Trace(), { handedOver: true, complete: true, status, endIsKnown });
}

test('what was not handed over was not processed, whatever else is noted', () => {
  const trace = Object.assign(answered(200), { handedOver: false });
  expect(trace.outcome).toBe('not_processed');
});

test('what was handed over is unknown until the answer is whole', () => {
  const trace = Object.assign(answered(200), { complete: false });
  expect(trace.outcome).toBe('unknown');
  expect(trace.outcomeIfCompleted).toBe('answered');
});

test.each([200, 302, 400, 404, 407, 409, 500, 503])('a whole answer with status %i is answered', (status) => {
  expect(answered(status).outcome).toBe('answered');
});

test('a whole 408 is unknown: balancers send it by themselves', () => {
  expect(answered(408).outcome).toBe('unknown');
});

test('a whole answer that does not tell where it ends is unknown', () => {
  expect(answered(200, false).outcome).toBe('unknown');
});

test('a call without a connection of its own is in no phase of one', () => {
  const trace = new Trace();
  expect(trace.phase).toBe('dns');
  expect(trace.phasesMs).toEqual({});
});

test('while a connection is being made, its phase is the phase of the call', () => {
  const trace = new Trace();
  trace.opening = { phase: 'tls', phasesMs: { dns: 1, tcp: 2, tls: 3 } };
  expect(trace.phase).toBe('tls');
  trace.handedOver = true;
  expect(trace.phase).toBe('send');
});

test('the phases of the connection and of the exchange are one list', () => {
  const trace = new Trace();
  trace.opening = { phase: 'send', phasesMs: { dns: 1, tcp: 2, tls: 3 } };
  Object.assign(trace.exchangePhasesMs, { send: 4, wait: 5, receive: 6 });
  expect(trace.phasesMs).toEqual({ dns: 1, tcp: 2, tls: 3, send: 4, wait: 5, receive: 6 });
});

test('a call that ends while connecting keeps the times of that moment', () => {
  const phasesMs: PhasesMs = { dns: 1, tcp: 2 };
  const trace = new Trace();
  trace.opening = {
    phase: 'tcp',
    get phasesMs() {
      return { ...phasesMs };
    },
  };
  trace.stopConnecting();
  Object.assign(phasesMs, { tcp: 99, tls: 99 });
  expect(trace.phasesMs).toEqual({ dns: 1, tcp: 2 });
  expect(trace.phase).toBe('tcp');
});
