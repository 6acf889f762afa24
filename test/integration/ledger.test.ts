import { describe, expect, test } from 'vitest';
import { type Case, judge } from '../../scripts/chaos/judge.ts';
import { type CallPlan, planCall } from '../../scripts/chaos/plan.ts';
import { describeRun, describeViolations, replayCommand } from '../../scripts/chaos/report.ts';
import { run } from '../../scripts/chaos/run.ts';
import type { SeenAnswer } from '../../scripts/chaos/seen.ts';

const CALLS = 1_000;
const SEED = 7;
/** Some seconds, as a rule; but a machine may be busy with other things. */
const LIMIT_MS = 120_000;

test('1,000 calls to a chaotic payment API: each ended as it was said to', { timeout: LIMIT_MS }, async () => {
  const report = await run({ seed: SEED, calls: CALLS, atOnce: 64, build: 'source' });

  const why = `${describeViolations(report.violations)}\n${describeRun(report)}\n${replayCommand(SEED, CALLS)}`;
  expect(report.violations, why).toEqual([]);
  expect(report.tally.calls).toBe(CALLS);
});

describe('the judge', () => {
  const honest = honestCase();
  const { answer } = honest.seen;
  const { logged, reading } = honest;
  if (answer === undefined || reading === undefined) throw new TypeError('an honest call is read and answered');
  const withAnswer = (change: Partial<SeenAnswer>): Partial<Case> => ({
    seen: { ...honest.seen, answer: { ...answer, ...change } },
  });

  test('finds nothing wrong with an honest call', () => {
    expect(judge(honest)).toEqual([]);
  });

  const lies: Record<string, Partial<Case>> = {
    'of a call that is not_processed nothing was read': { logged: { ...logged, outcome: 'not_processed' } },
    'of a call that is answered the very bytes were read, once': { reading: { ...reading, times: 2 } },
    'what was read is what the caller described': { reading: { ...reading, difference: 'the body' } },
    'a caller that stays gets an answer': { seen: { ...honest.seen, answer: undefined } },
    'every answer says what happened': withAnswer({ rawHeaders: ['X-Answer-To', '1'] }),
    'a whole answer says what the log says': { logged: { ...logged, outcome: 'unknown', code: 'upstream_timeout' } },
    'an answer that was cut is unknown in the log': withAnswer({ isWhole: false }),
    'an answer passes as it was sent': withAnswer({ body: answer.body.subarray(1) }),
    'what the payment API has answered is answered': { logged: { ...logged, outcome: 'unknown' } },
    'what was read and not answered whole is unknown': { reading: { ...reading, reply: 'resets after reading' } },
    'a call that is not allowed is refused': { plan: { ...honest.plan, refusedAs: 'unauthorized' } },
    'the log line is about this call': { logged: { ...logged, path: '/another' } },
    'the service itself does not fail': { logged: { ...logged, code: 'internal_error' } },
    'an error says the same in its body, its header and the log': withAnswer({
      rawHeaders: ['Proxy-Outcome', 'answered', 'Proxy-Status', 'toss-mtls-proxy; error=http_response_timeout'],
    }),
  };

  lies['bytes that were there before a call are not its answer'] = {
    ...withAnswer({ status: 408, rawHeaders: ['Proxy-Outcome', 'unknown'] }),
    reading: { ...reading, reply: undefined, strayAtMs: -100 },
  };

  test.each(Object.entries(lies))('notices when it is not true that %s', (sentence, lie) => {
    expect(judge({ ...honest, ...lie })).toContain(sentence);
  });

  test('notices a not_processed that stands in the header alone', () => {
    const rawHeaders = answer.rawHeaders.map((text) => (text === 'answered' ? 'not_processed' : text));
    expect(judge({ ...honest, ...withAnswer({ rawHeaders }) })).toContain(
      'of a call that is not_processed nothing was read',
    );
  });
});

/** A call that was answered in one write, seen alike from every side. */
function honestCase(): Case {
  const plan = planOf('answers in one write');
  const { status, headers, body } = plan.answer;
  const rawHeaders = [...headers.flat(), 'Proxy-Outcome', 'answered', 'Proxy-Status', 'toss-mtls-proxy'];
  return {
    plan,
    seen: {
      answer: { status, rawHeaders, body, isWhole: true },
      hasLeft: false,
      errorCode: undefined,
      startedAtMs: 1,
      durationMs: 1,
    },
    logged: { level: 30, msg: 'call', outcome: 'answered', status },
    reading: {
      times: 1,
      isWhole: true,
      difference: undefined,
      wasReset: false,
      strayAtMs: undefined,
      reply: plan.reply,
    },
  };
}

/** The first call of a seed that is to be treated like this. */
function planOf(reply: CallPlan['reply']): CallPlan {
  const hosts = { steady: 'steady', rough: 'rough', restless: ['restless'], closed: 'closed' };
  for (let id = 0; ; id += 1) {
    const plan = planCall(SEED, id, hosts);
    if (plan.reply === reply && plan.method === 'POST' && plan.refusedAs === undefined) return plan;
  }
}
