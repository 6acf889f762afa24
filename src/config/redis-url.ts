import { z } from 'zod';
import { Secret } from './secret.ts';

/**
 * `REDIS_URL`: a host; a port, a user and a password, and the number of a database if need be. Refuses what the client
 * would stumble over when it is opened, and what it would pass over: behind a bare `#` in a password, the true host.
 */
export function redisUrl() {
  return z
    .string()
    .trim()
    .refine(isRedisUrl, {
      error:
        'write redis://host:port or rediss://host:port (TLS); before the host :password@, percent-encoded, and behind ' +
        'the port /N for another database than 0.',
    })
    .transform((text) => new Secret(text));
}

function isRedisUrl(text: string): boolean {
  if (!/^rediss?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return false;
  const { port, pathname, search, hash, username, password } = new URL(text);
  return (
    port !== '0' &&
    /^(?:\/\d{0,5})?$/.test(pathname) &&
    search === '' &&
    hash === '' &&
    [username, password].every(isPercentEncoded)
  );
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
