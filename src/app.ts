import express, { type Express } from 'express';
import type { Config } from './config.ts';
import { forward } from './forward/forward.ts';
import { authenticate, type Callers } from './http/authenticate.ts';
import { Call, type Handler } from './http/call.ts';
import { guardOrigin } from './http/cors.ts';
import { allowMethods, answerErrors, notFound } from './http/errors.ts';
import { health } from './http/health.ts';
import { inTurn } from './http/in-turn.ts';
import { limitInFlight } from './http/limit-in-flight.ts';
import { acceptJson } from './http/media-type.ts';
import { refuseImproper } from './http/protocol.ts';
import { limitCalls, refuseWrongKeys } from './http/rate-limit.ts';
import type { Redis } from './http/redis.ts';
import { identify } from './http/request-id.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { ConnectionPool } from './upstream/pool.ts';

/** What the routes need. */
export interface Services {
  readonly config: Config;
  readonly version: string;
  readonly callers: Callers;
  /** Where processes share their counts; none: each counts alone. */
  readonly redis?: Redis | undefined;
  readonly pool: ConnectionPool;
  readonly lifecycle: Lifecycle<Call>;
  /** Told of every request to `/proxy` once, when it has ended. */
  readonly onCallEnded: (call: Call) => void;
  readonly onInternalError: (error: unknown, requestId: string) => void;
}

/** The routes and the order of their checks: a caller learns nothing of a later check before it has passed the earlier. */
export function createApp(services: Services): Express {
  const { config, version, callers, redis, pool, lifecycle, onCallEnded, onInternalError } = services;
  const { rateLimitPerMinute } = config;
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  app.set('query parser', false);

  const begin = inTurn(identify, closeConnections(lifecycle));
  app
    .route('/proxy')
    .all(
      inTurn(
        begin,
        record(lifecycle, onCallEnded),
        refuseImproper,
        allowMethods('POST'),
        guardOrigin,
        authenticate(callers, refuseWrongKeys(redis)),
        ...(rateLimitPerMinute === undefined ? [] : [limitCalls(rateLimitPerMinute, redis)]),
        acceptJson(config.maxRequestBytes),
        limitInFlight(lifecycle, config.maxInFlight),
        forward(pool, config),
      ),
    );
  app.use(inTurn(begin, refuseImproper));
  app.route('/').all(allowMethods('GET', 'HEAD'), guardOrigin).get(health(version, lifecycle));
  app.use(notFound);
  app.use(answerErrors(onInternalError));
  return app;
}

/**
 * Once the listener is closed, every answer ends its connection, so that the next call goes to another process. So does
 * the answer to a request that asks for an upgrade: Node (20 to 26) drops what it has read behind one.
 */
function closeConnections(lifecycle: Lifecycle<Call>): Handler {
  return (request, response, next) => {
    if (lifecycle.state === 'closing' || request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    next();
  };
}

/** Opens the record of a call. */
function record(lifecycle: Lifecycle<Call>, onCallEnded: (call: Call) => void): Handler {
  const onEnded = (call: Call) => {
    lifecycle.leave(call);
    onCallEnded(call);
  };
  return (request, response, next) => {
    const call = new Call(request, response, onEnded);
    response.locals.call = call;
    lifecycle.begin(call);
    next();
  };
}
