import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Call, type Reply } from '../../../src/http/call.ts';
import { Trace } from '../../../src/upstream/trace.ts';

type Filled = Partial<Pick<Call, 'caller' | 'method' | 'host' | 'path' | 'status' | 'error' | 'trace'>>;

/** The record of a call that has ended. */
export function endedCall(filled: Filled, forwardedFor?: string): Call {
  const request = new IncomingMessage(new Socket());
  if (forwardedFor !== undefined) request.headers['x-forwarded-for'] = forwardedFor;
  const response = Object.assign(new ServerResponse(request), { locals: { requestId: 'call-1' } });
  // Of what Express adds to a response, a call uses `locals` alone.
  const call = new Call(request, response as unknown as Reply, () => undefined);
  Object.assign(call, filled);
  call.settle();
  return call;
}

/** The trace of a request that was answered over a connection made for it. */
export function answeredTrace(status: number): Trace {
  return Object.assign(new Trace(), {
    handedOver: true,
    opening: { phase: 'tls', phasesMs: { dns: 1.23456, tcp: 2, tls: 3 } },
    exchangePhasesMs: { send: 4, wait: 5, receive: 6 },
    status,
    endIsKnown: true,
    complete: true,
    bytesSent: 12,
    bytesReceived: 34,
  });
}
