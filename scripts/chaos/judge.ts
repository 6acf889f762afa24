/** What must be true of every call: pure, so that it can itself be tested with calls that never were. */
import type { Reading } from './ledger.ts';
import type { CallPlan } from './plan.ts';
import { REPLIES, type Reply } from './replies.ts';
import { errorOf, hasPassed, isOurs, isStray, outcomeOf, type Seen } from './seen.ts';
import type { LogLine } from './service.ts';

/** One call that is over, from every side. */
export interface Case {
  readonly plan: CallPlan;
  /** What the caller saw. */
  readonly seen: Seen;
  /** The service's log line. */
  readonly logged: LogLine;
  /** What the payment API has read of it, if anything. */
  readonly reading: Readonly<Reading> | undefined;
}

/** Calls that change nothing may be given up when their caller has left. */
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/**
 * The service has bytes that were sent so long before a call began in its own system, ahead of that call, however busy
 * it is; those that cross the call on the wire can be anybody's.
 */
const SURELY_SEEN_MS = 20;

/** Each sentence must hold for each call. */
const RULES: Readonly<Record<string, (call: Case) => boolean>> = {
  'of a call that is not_processed nothing was read': (call) =>
    !claims(call).includes('not_processed') || !call.reading,

  'of a call that is answered the very bytes were read, once': ({ logged, reading }) =>
    logged.outcome !== 'answered' ||
    (reading?.times === 1 &&
      reading.difference === undefined &&
      (reading.isWhole || replyOf(reading)?.isEarly === true)),

  'what was read is what the caller described': ({ reading }) => reading?.difference === undefined,

  'a caller that stays gets an answer': ({ seen }) => seen.hasLeft || seen.answer !== undefined,

  'every answer says what happened': ({ seen }) => !seen.answer || outcomeOf(seen.answer) !== undefined,

  'a whole answer says what the log says': ({ seen: { answer }, logged }) =>
    !answer?.isWhole || (outcomeOf(answer) === logged.outcome && answer.status === logged.status),

  'an answer that was cut is unknown in the log': ({ seen, logged }) =>
    seen.hasLeft || !seen.answer || seen.answer.isWhole || logged.outcome === 'unknown',

  'an error says the same in its body, its header and the log': ({ seen: { answer }, logged, plan }) => {
    if (!answer?.isWhole || !isOurs(answer)) return true;
    const { code, outcome, requestId } = errorOf(answer);
    return code === logged.code && outcome === logged.outcome && requestId === String(plan.id);
  },

  'an answer passes as it was sent': ({ seen: { answer }, plan, reading }) => {
    if (answer === undefined || isOurs(answer)) return true;
    if (isStray(answer)) return outcomeOf(answer) === 'unknown';
    // One of untold length that was cut cannot be told from a whole one; it is `unknown` then.
    return hasPassed(answer, plan, !answer.isWhole || replyOf(reading)?.makes === 'unknown');
  },

  'bytes that were there before a call are not its answer': ({ seen: { answer, startedAtMs }, reading }) =>
    !answer || !isStray(answer) || startedAtMs < (reading?.strayAtMs ?? startedAtMs) + SURELY_SEEN_MS,

  'what the payment API has answered is answered': ({ plan, logged, reading }) =>
    replyOf(reading)?.makes !== 'answered' ||
    reading?.wasReset === true ||
    logged.outcome === 'answered' ||
    logged.code === 'upstream_timeout' ||
    (logged.code === 'caller_gone' && SAFE_METHODS.has(plan.method)),

  'what was read and not answered whole is unknown': ({ logged, reading }) =>
    replyOf(reading)?.makes !== 'unknown' || logged.outcome === 'unknown',

  'a call that is not allowed is refused': ({ plan: { refusedAs }, logged: { code = '' } }) =>
    refusedAs === undefined || code === refusedAs || code === 'overloaded' || code === 'rate_limited',

  'the log line is about this call': ({ plan, logged }) =>
    isOneOf(logged.method, plan.method) &&
    isOneOf(logged.path, plan.path.split('?')[0]) &&
    isOneOf(logged.host, plan.host),

  'the service itself does not fail': ({ logged }) => logged.code !== 'internal_error',
};

/** The sentences that do not hold for this call. */
export function judge(call: Case): string[] {
  return Object.keys(RULES).filter((sentence) => RULES[sentence]?.(call) === false);
}

/** Everything that the service has said of the outcome, wherever. */
function claims({ seen: { answer }, logged }: Case): (string | undefined)[] {
  if (answer === undefined) return [logged.outcome];
  const told: (string | undefined)[] = [logged.outcome, outcomeOf(answer)];
  return isOurs(answer) ? [...told, errorOf(answer).outcome] : told;
}

function replyOf(reading: Readonly<Reading> | undefined): Reply | undefined {
  return reading?.reply && REPLIES[reading.reply];
}

/** A call that ended early is logged without what was not known by then. */
function isOneOf(logged: string | undefined, planned: string | undefined): boolean {
  return logged === undefined || logged === planned;
}
