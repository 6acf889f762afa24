import type { IncomingMessage } from 'node:http';
import {
  type AugmentedRequest,
  ipKeyGenerator,
  MemoryStore,
  type Options,
  type RateLimitInfo,
  rateLimit,
} from 'express-rate-limit';
import { ProxyError } from '../errors.ts';
import type { Handler, Locals } from './call.ts';
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
  // Without Redis calls pass; that it is away has been logged by then, once and not for each call.
  passOnStoreError: true,
  logger: { warn: () => undefined, error: () => undefined },
  // Checks of these very options, meant for those who write them; they would print to standard error.
  validate: false,
} satisfies Partial<Options>;

/**
 * Counts the calls of each caller, by its key's name, or by its address where no key is needed. The `RateLimit` headers
 * are lists of named policies, the form that draft-ietf-httpapi-ratelimit-headers has had since its version 08.
 *
 * @param redis where all processes count together; without it this one counts alone
 */
export function limitCalls(perMinute: number, redis: Redis | undefined): Handler {
  const limit: Handler = rateLimit({
    ...COMMON,
    limit: perMinute,
    // Set by the limiter, they would make Node merge and check all headers of the answer once more, which takes 14 µs.
    standardHeaders: false,
    keyGenerator: (request, response) => callerOf(response) ?? addressOf(request),
    handler: (_request, _response, next) => next(new ProxyError('rate_limited')),
    ...(redis && { store: new SharedCount(redis, 'calls') }),
  });
  return (request, response, next) => {
    limit(request, response, (refusal) => {
      // The limiter has put it there, unless the store is away.
      const { rateLimit: count } = request as { rateLimit?: RateLimitInfo };
      const { call } = response.locals;
      if (call && count) call.headers = rateLimitHeaders(count, refusal !== undefined);
      next(refusal);
    });
  };
}

/** @returns names and values in turn */
function rateLimitHeaders({ limit, remaining, resetTime }: RateLimitInfo, isRefused: boolean): string[] {
  const waitSeconds = secondsUntil(resetTime);
  const headers = ['RateLimit', `"calls"; r=${remaining}; t=${waitSeconds}`];
  headers.push('RateLimit-Policy', `"calls"; q=${limit}; w=${WINDOW_MS / 1000}`);
  if (isRefused) headers.push('Retry-After', String(waitSeconds));
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

function callerOf({ locals }: { locals: Partial<Locals> }): string | undefined {
  return locals.call?.caller;
}

function addressOf(request: IncomingMessage): string {
  const forwarded = forwardedAddress(request);
  return forwarded === undefined ? peerOf(request) : ipKeyGenerator(forwarded);
}

/** Of an IPv6 address its network, since one caller has a whole one to choose from. */
function peerOf({ socket }: IncomingMessage): string {
  return ipKeyGenerator(socket.remoteAddress ?? 'unknown');
}
