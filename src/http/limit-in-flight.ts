import { ProxyError } from '../errors.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Call, Handler } from './call.ts';

/** The only queue-free gate: a call is taken in at once, or refused with `overloaded`. */
export function limitInFlight(lifecycle: Lifecycle<Call>, most: number): Handler {
  return (_request, response, next) => {
    const { call } = response.locals;
    // Its caller left while Redis was asked. Nobody would ever give its place free.
    if (call?.hasEnded) throw new ProxyError('caller_gone');
    if (lifecycle.inFlight >= most) throw new ProxyError('overloaded');
    if (call) lifecycle.enter(call);
    next();
  };
}
