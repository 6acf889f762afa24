import type { ErrorCode } from '../../src/errors.ts';
import type { Method } from '../../src/forward/envelope.ts';
import type { PlannedAnswer } from './answers.ts';
import { large, type PlannedBody, planBody } from './bodies.ts';
import { envelopeOf, planHeaders, planPath, REFUSALS, type RefusalName } from './envelopes.ts';
import { Random } from './random.ts';
import { REPLIES, type Reply, type ReplyName } from './replies.ts';

/** The hosts as UPSTREAM_HOSTS names them. */
export interface Hosts {
  readonly steady: string;
  readonly rough: string;
  /** Used one after the other: each soon has taught the service not to reuse its connections. */
  readonly restless: readonly string[];
  /** Nothing listens there. */
  readonly closed: string;
}

/** What the caller does. */
type Patience =
  | 'stays'
  | 'reads slowly'
  | 'leaves amid its request'
  | 'leaves while it waits'
  | 'leaves amid the answer';

/** Everything about one call that chance decides. */
export interface CallPlan {
  readonly id: number;
  readonly host: string;
  readonly method: Method;
  readonly path: string;
  /** Those that must reach the payment API. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
  /** What the caller posts. */
  readonly envelope: Buffer;
  readonly patience: Patience;
  /** How long a caller that leaves while it waits does so, in ms. */
  readonly patienceMs: number;
  readonly sendsKey: boolean;
  /** The error with which the service must refuse the call by itself. */
  readonly refusedAs: ErrorCode | undefined;
  /** How the payment API treats the call if it reads it. */
  readonly reply: ReplyName;
  readonly answer: PlannedAnswer;
}

/** How many calls in a row have the same restless host. */
export const CALLS_PER_RESTLESS_HOST = 800;

const METHODS: readonly (readonly [Method, number])[] = [
  ['POST', 60],
  ['GET', 15],
  ['HEAD', 5],
  ['PUT', 8],
  ['PATCH', 5],
  ['DELETE', 7],
];

const PATIENCE: readonly (readonly [Patience, number])[] = [
  ['stays', 91],
  ['reads slowly', 2],
  ['leaves amid its request', 1],
  ['leaves while it waits', 5],
  ['leaves amid the answer', 1],
];

/** The number of the call whose request begins like this. */
export function idOf(requestLine: string): number | undefined {
  const id = /^[A-Z]+ \/c\/(\d+)\//.exec(requestLine)?.[1];
  return id === undefined ? undefined : Number(id);
}

/** One call; the same for the same seed and number, so that it need not be kept. */
export function planCall(seed: number, id: number, hosts: Hosts): CallPlan {
  const random = new Random(seed, 'call', id);
  const temperament = random.weighted([
    ['steady', 60],
    ['rough', 20],
    ['restless', 19],
    ['closed', 1],
  ]);
  const turn = Math.floor(id / CALLS_PER_RESTLESS_HOST) % hosts.restless.length;
  const host = temperament === 'restless' ? (hosts.restless[turn] ?? '') : hosts[temperament];
  const method = random.weighted(METHODS);
  const reply = planReply(random, method, temperament === 'restless');
  const { json, bytes } = planBodyFor(method, reply, random);
  const headers = planHeaders(random);
  const path = `/c/${id}/${planPath(random)}`;
  const refusal: RefusalName | undefined = random.chance(0.02) ? random.pick(REFUSAL_NAMES) : undefined;
  return {
    id,
    host,
    method,
    path,
    headers: headers.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])),
    body: bytes,
    envelope: envelopeOf({ host, method, path, headers, json, timeoutMs: planTimeout(random, reply) }, refusal, random),
    patience: refusal === undefined ? random.weighted(PATIENCE) : 'stays',
    patienceMs: random.between(0, 40),
    sendsKey: refusal !== 'no key',
    refusedAs: refusal && REFUSALS[refusal].code,
    reply,
    answer: REPLIES[reply].answer(random, id),
  };
}

function planReply(random: Random, method: Method, isRestless: boolean): ReplyName {
  const fitting = ALL_REPLIES.filter(([, row]) => {
    return !(method === 'HEAD' && row.needsBody) && (isRestless || !row.closesIdle);
  });
  return random.weighted(fitting.map(([name, { weight }]) => [name, weight] as const));
}

function planBodyFor(method: Method, reply: ReplyName, random: Random): PlannedBody {
  const row: Reply = REPLIES[reply];
  if (method === 'GET' || method === 'HEAD') return { json: undefined, bytes: undefined };
  return row.isEarly && random.chance(0.8) ? large(random) : planBody(random, true);
}

/** In ms, as the envelope says it. */
function planTimeout(random: Random, reply: ReplyName): number | undefined {
  const row: Reply = REPLIES[reply];
  if (row.isEndless) return random.between(30, 300);
  if (random.chance(0.04)) return random.between(1, 60);
  return random.chance(0.05) ? 1_000_000 : undefined;
}

/** `Object.keys` and `Object.entries` forget what the keys of a closed table are. */
const REFUSAL_NAMES = Object.keys(REFUSALS) as RefusalName[];
const ALL_REPLIES = Object.entries(REPLIES) as [ReplyName, Reply][];
