import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { CallPlan } from './plan.ts';
import type { Seen } from './seen.ts';

interface Door {
  readonly port: number;
  readonly agent: Agent;
  readonly apiKey: string;
}

/** No call may take this long; one that does hangs. */
const HANGS_MS = 25_000;
/** A slow reader's rests, and how many of them it makes. */
const REST_MS = 2;
const RESTS = 15;

/** Makes one call and sees it through to its end, or leaves before as the plan says. */
export function callService(plan: CallPlan, { port, agent, apiKey }: Door): Promise<Seen> {
  const startedAtMs = performance.now();
  const outgoing = request({
    host: '127.0.0.1',
    port,
    agent,
    method: 'POST',
    path: '/proxy',
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': plan.envelope.length,
      'X-Request-Id': String(plan.id),
      ...(plan.sendsKey && { Authorization: `Bearer ${apiKey}` }),
    },
  });
  return new Promise((resolve) => {
    let hasLeft = false;
    let errorCode: string | undefined;
    let incoming: IncomingMessage | undefined;
    const chunks: Buffer[] = [];
    const leave = () => {
      hasLeft = true;
      outgoing.destroy();
    };
    const settle = () => {
      clearTimeout(hanging);
      clearTimeout(leaving);
      const answer = incoming && {
        status: incoming.statusCode ?? 0,
        rawHeaders: incoming.rawHeaders,
        body: Buffer.concat(chunks),
        isWhole: incoming.complete,
      };
      resolve({ answer, hasLeft, errorCode, startedAtMs, durationMs: performance.now() - startedAtMs });
    };
    let leaving: NodeJS.Timeout | undefined;
    const hanging = setTimeout(() => {
      errorCode = 'no end in sight';
      outgoing.destroy();
    }, HANGS_MS);

    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      errorCode ??= error.code ?? error.message;
    });
    outgoing.on('close', () => {
      if (incoming === undefined) settle();
    });
    outgoing.on('response', (response) => {
      incoming = response;
      response.on('error', () => undefined).on('close', settle);
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      if (plan.patience === 'leaves amid the answer') response.once('data', leave);
      if (plan.patience === 'reads slowly') readSlowly(response);
    });
    send(outgoing, plan, leave, (timer) => {
      leaving = timer;
    });
  });
}

/** A caller leaves only after the system has taken what it has sent, so that the service is sure to have met it. */
function send(
  outgoing: ClientRequest,
  { envelope, patience, patienceMs }: CallPlan,
  leave: () => void,
  onTimer: (timer: NodeJS.Timeout) => void,
): void {
  if (patience === 'leaves amid its request') outgoing.write(envelope.subarray(0, envelope.length >> 1), leave);
  else if (patience === 'leaves while it waits') outgoing.end(envelope, () => onTimer(setTimeout(leave, patienceMs)));
  else outgoing.end(envelope);
}

function readSlowly(response: IncomingMessage): void {
  let rests = 0;
  response.on('data', () => {
    rests += 1;
    if (rests > RESTS) return;
    response.pause();
    setTimeout(() => response.resume(), REST_MS);
  });
}
