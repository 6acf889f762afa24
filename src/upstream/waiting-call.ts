import type { ClientRequest } from 'node:http';
import type { Failure } from './failure.ts';
import type { Trace } from './trace.ts';

/** A call that has no connection yet. */
export interface WaitingCall {
  readonly request: ClientRequest;
  readonly trace: Trace;
}

/** Ends a call that gets no connection, as Node's own agent does it: the error comes in place of the socket. */
export function refuse({ request }: WaitingCall, error: Failure): void {
  // The second parameter is part of the contract between Node's client and its agents, but not of the public types.
  (request as unknown as { onSocket(socket: null, error: Failure): void }).onSocket(null, error);
}

/** Without this word, a request that was destroyed before it had a connection would never say that it is over. */
export function refuseDestroyed(call: WaitingCall): void {
  refuse(call, new Error('The request was destroyed before it had a connection'));
}
