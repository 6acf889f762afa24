import type { IncomingMessage } from 'node:http';
import {
  type AugmentedRequest,
  type ClientRateLimitInfo,
  ipKeyGenerator,
  MemoryStore,
  type Options,
  rateLimit,
} from 'express-rate-limit';
import { ProxyError } from '../errors.ts';
import type { Handler } from './call.ts';
import type { Redis } from './redis.ts';
import { forwardedAddress } from './remote-address.ts';
import { SharedCount } from './shared-count.ts';

const WINDOW_MS = 60_000;

/** So many requests without a right key are answered 401 per address and minute; those that follow, 429. */
const WRONG_KEYS_PER_ADDRESS = 10;

/**
 * The same for whoever is at the other end of the connection: a balancer with many callers behind it, or somebody who
 * makes up a new `X-Forwarded-For` for each guess. It also bounds how many addresses we have to remember.
 */
const WRONG_KEYS_PER_PEER = 100;

const COMMON = {
  windowMs: WINDOW_MS,
  legacyHeaders: false,
  // Checks of these very options, meant for those who write them; they would print to standard error.
  validate: false,
} satisfies Partial<Options>;

/**
 * Counts the calls of each caller, by its key's name, or by its address where no key is needed. The `RateLimit` headers
 * are lists of named policies, the form that draft-ietf-httpapi-ratelimit-headers has had since its version 08.
 *
 * The count is the library's, what follows from it is ours: its handler would take 6 % of the CPU time of a call, and
 * once more as much for headers that it sets one by one.
 *
 * @param redis where all processes count together; without it this one counts alone
 */
export function limitCalls(perMinute: number, redis: Redis | undefined): Handler {
  const store = redis ? new SharedCount(redis, 'calls') : new MemoryStore();
  // Stores read nothing else of the options.
  store.init({ windowMs: WINDOW_MS } as Options);
  return async (request, response, next) => {
    const { call } = response.locals;
    // Without Redis calls pass; that it is away has been logged by then, once and not for each call.
    const count = await store.increment(call?.caller ?? addressOf(request)).catch(() => undefined);
    const isRefused = count !== undefined && count.totalHits > perMinute;
    if (call && count) call.headers = rateLimitHeaders(perMinute, count);
    next(isRefused ? new ProxyError('rate_limited') : undefined);
  };
}

/** @returns names and values in turn */
function rateLimitHeaders(limit: number, { totalHits, resetTime }: ClientRateLimitInfo): string[] {
  const waitSeconds = secondsUntil(resetTime);
  const headers = ['RateLimit', `"calls"; r=${Math.max(0, limit - totalHits)}; t=${waitSeconds}`];
  headers.push('RateLimit-Policy', `"calls"; q=${limit}; w=${WINDOW_MS / 1000}`);
  if (totalHits > limit) headers.push('Retry-After', String(waitSeconds));
  return headers;
}

/**
 * Answers requests without a right key. Only they are counted, after their key has been compared, so that nobody's wrong
 * keys stand in the way of a right one. That makes no guess hopeless, the length of the keys does; it makes guessing
 * cheap to answer and plain to see.
 */
export function refuseWrongKeys(redis: Redis | undefined): Handler {
  const perPeer = limitWrongKeys('peer', WRONG_KEYS_PER_PEER, peerOf, redis);
  const perAddress = limitWrongKeys('address', WRONG_KEYS_PER_ADDRESS, addressOf, redis);
  return (request, response, next) => {
    perPeer(request, response, (refusal) => {
      if (refusal) next(refusal);
      else perAddress(request, response, (refusal) => next(refusal ?? new ProxyError('unauthorized')));
    });
  };
}

function limitWrongKeys(
  name: string,
  perMinute: number,
  countedAs: (request: IncomingMessage) => string,
  redis: Redis | undefined,
): Handler {
  return rateLimit({
    ...COMMON,
    limit: perMinute,
    keyGenerator: countedAs,
    handler: (request, response, next) => {
      // The limiter has put it there before it calls this.
      const { resetTime } = (request as AugmentedRequest).rateLimit ?? {};
      response.setHeader('Retry-After', secondsUntil(resetTime));
      next(new ProxyError('rate_limited', { message: 'Too many wrong keys came from this address. Check the key.' }));
    },
    ...(redis && { store: new SharedCount(redis, `wrong-keys:${name}`, new MemoryStore()) }),
  });
}

/** At least one. */
function secondsUntil(resetTime: Date | undefined): number {
  const leftMs = resetTime === undefined ? WINDOW_MS : resetTime.getTime() - Date.now();
  return Math.max(1, Math.ceil(leftMs / 1000));
}

function addressOf(request: IncomingMessage): string {
  const forwarded = forwardedAddress(request);
  return forwarded === undefined ? peerOf(request) : ipKeyGenerator(forwarded);
}

/** Of an IPv6 address its network, since one caller has a whole one to choose from. */
function peerOf({ socket }: IncomingMessage): string {
  return ipKeyGenerator(socket.remoteAddress ?? 'unknown');
}
