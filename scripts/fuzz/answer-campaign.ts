import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { startService } from '../../test/support/service.ts';
import { gone, onRequest, startUpstream, type UpstreamConnection } from '../../test/support/upstream.ts';
import { createAuthority } from '../pki.ts';
import { type Play, play } from './answer-cases.ts';
import type { Campaign, Ground } from './campaign.ts';
import { bytesFromJson, bytesToJson } from './corpus.ts';
import { within } from './deadline.ts';
import { readAnswer } from './strict-answers.ts';

const MOST_AT_ONCE = 6;

/** Longer than any deadline that a call can meet. */
const HANG_MS = 30_000;

/** For a call whose answer must come, and for one whose answer may never be whole. */
const LONG_MS = 20_000;
const SHORT_MS = 100;

type Plays = readonly Play[];

/** What the service told a caller. */
interface Told {
  readonly status: number;
  readonly outcome: string;
  readonly requestId: string;
  /** The row of the error table, if the answer is one. */
  readonly code: ErrorCode | undefined;
  readonly body: Buffer;
}

/** Bytes of every kind from the payment API, in answer to requests that it has read, to several calls at once. */
export const answerCampaign: Campaign<Plays> = {
  name: 'answers',
  cases: fc.array(play, { minLength: 1, maxLength: MOST_AT_ONCE }),
  toJson: (plays) => plays.map(({ method, writes, ending }) => ({ method, writes: writes.map(bytesToJson), ending })),
  fromJson: (json) =>
    (json as { method: Play['method']; writes: unknown[]; ending: Play['ending'] }[]).map(
      ({ method, writes, ending }) => ({ method, writes: writes.map(bytesFromJson), ending }),
    ),
  open: openGround,
};

async function openGround(): Promise<Ground<Plays>> {
  const authority = await createAuthority();
  let plays: Plays = [];
  /** The number of the first play; they are counted on from case to case, so that a late request is known as one. */
  let first = 0;
  /** Each request that has come, and when its connection is gone. */
  let read: { readonly at: number; readonly over: Promise<void> }[] = [];
  const upstream = await startUpstream(authority, (connection) => {
    const over = gone(connection);
    onRequest(connection, (text) => {
      const at = Number(/^\w+ \/(\d+) /.exec(text)?.[1]) - first;
      const one = plays[at];
      if (one === undefined) return;
      read.push({ at, over });
      void answer(connection, one);
    });
  });
  const { port, service, callLines, takeLog } = await startService({ authority, upstreamPorts: [upstream.port] });
  const agent = new Agent({ keepAlive: true });
  return {
    async check(wanted, count) {
      first += plays.length;
      plays = wanted;
      read = [];
      const calls = wanted.map((one, at) => within(HANG_MS, 'a call', call(agent, port, one, `/${first + at}`)));
      const told = await Promise.all(calls);
      for (const [at, one] of wanted.entries()) {
        const heard = told[at];
        assert(heard);
        const times = read.filter((other) => other.at === at).length;
        assert(times <= 1, 'the payment API has read a request twice');
        count(checkTold(heard, one, times === 1));
      }
      const spent = read.filter(({ at }) => !leavesConnection(wanted[at]));
      await within(HANG_MS, 'a connection that no call can use', Promise.all(spent.map(({ over }) => over)));
      await within(HANG_MS, 'a log line', callLines(wanted.length));
      const logged = takeLog().filter(({ msg }) => msg === 'call');
      const inLog = logged.map(({ requestId, outcome, code }) => [requestId, outcome, code]).sort();
      const inAnswers = told.map(({ requestId, outcome, code }) => [requestId, outcome, code]).sort();
      assert.deepEqual(inLog, inAnswers, 'not one log line for each call, which says the same');
    },
    close: async () => {
      agent.destroy();
      const isComplete = await service.drain(0);
      await upstream.close();
      assert(isComplete, 'a call has never ended');
    },
  };
}

async function answer({ socket, tcp }: UpstreamConnection, { writes, ending }: Play): Promise<void> {
  for (const bytes of writes) {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    // So that each piece is read by itself.
    await nextTurn();
  }
  if (ending === 'close') socket.end();
  if (ending === 'reset') tcp.resetAndDestroy();
}

async function call(agent: Agent, port: number, one: Play, path: string): Promise<Told> {
  const timeoutMs = mustBeTold(one) ? LONG_MS : SHORT_MS;
  const envelope = JSON.stringify({ method: one.method, path, timeoutMs });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': envelope.length };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/proxy', headers }, resolve)
      .on('error', reject)
      .end(envelope);
  });
  const body = await buffer(response);
  const isError = / error=/.test(String(response.headers['proxy-status']));
  return {
    status: response.statusCode ?? 0,
    outcome: String(response.headers['proxy-outcome']),
    requestId: String(response.headers['x-request-id']),
    code: isError ? JSON.parse(body.toString()).code : undefined,
    body,
  };
}

/** @returns what came of the call */
function checkTold({ status, outcome, code, body }: Told, one: Play, wasRead: boolean): string {
  const bytes = Buffer.concat(one.writes);
  if (code !== undefined) {
    assert.equal(status, ERRORS[code].status, `${code} with a status of its own`);
    // One that was never read may have met a connection that was just closing.
    if (!wasRead) return `not read: ${outcome}`;
    assert.equal(outcome, 'unknown', `${code}, although the request was read`);
    assert(!mustBeTold(one), `a proper answer was not told: ${code}`);
    return `error: ${code}`;
  }
  const due = readAnswer(bytes, one.method, 'lax');
  assert(wasRead, 'an answer to a request that the payment API has not read');
  assert(typeof due === 'object', 'told as an answer what is none');
  assert.deepEqual([status, body.toString('latin1')], [due.status, due.body.toString('latin1')], 'another answer');
  assert.equal(outcome, due.hasOwnEnd && due.status !== 408 ? 'answered' : 'unknown');
  return `told: ${outcome}`;
}

/** Whether no part of a proper answer can be lost. */
function mustBeTold(one: Play): boolean {
  const due = readAnswer(Buffer.concat(one.writes), one.method, 'strict');
  return typeof due === 'object' && due.hasOwnEnd && !due.hasSurplus && one.ending !== 'reset';
}

/** Whether the next call may find the connection open: after a whole answer that tells its end, and nothing more. */
function leavesConnection(one: Play | undefined): boolean {
  const due = one && readAnswer(Buffer.concat(one.writes), one.method, 'lax');
  return one?.ending === 'open' && typeof due === 'object' && due.hasOwnEnd && !due.hasSurplus;
}
