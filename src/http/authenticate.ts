import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import { ProxyError } from '../errors.ts';
import type { Handler } from './call.ts';

/** RFC 6750 §2.1: the scheme in any case, one space, a token68. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Lets a caller pass that sends one of the keys, and notes its name. Every key is compared, over digests of one length,
 * so that the time tells neither which key was nearly right nor how far.
 */
export function authenticate(apiKeys: Config['apiKeys']): Handler {
  const callers = apiKeys.map(({ name, key }) => ({ name, digest: digestOf(key.reveal()) }));
  return (request, response, next) => {
    if (callers.length > 0) {
      const sent = digestOf(BEARER.exec(request.headers.authorization ?? '')?.[1] ?? '');
      let caller: string | undefined;
      for (const { name, digest } of callers) if (timingSafeEqual(digest, sent)) caller = name;
      if (caller === undefined) throw new ProxyError('unauthorized');
      if (response.locals.call) response.locals.call.caller = caller;
    }
    next();
  };
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
