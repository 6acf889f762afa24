import type { Server } from 'node:http';
import type { Express } from 'express';
import { messageClasses } from './messages.ts';
import { answerParserErrors, type OnRefused } from './parser-errors.ts';
import { MAX_HEADERS } from './protocol.ts';

/** Not imported: `import` of this module loads Node's fetch as well, which takes some 20 ms of a start (Node 24). */
const { createServer } = process.getBuiltinModule('node:http');

/** An idle caller's connection outlives the balancer's (ALB: 60 s), else the balancer would meet its end as a 502. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** For the head of a request, from the connection or from its first byte on. */
const HEADERS_TIMEOUT_MS = 10_000;
/** A backstop; the body of a call has its own, shorter deadline. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often Node looks whether a deadline has passed. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * The HTTP server for the app, with limits that fit a load balancer. It does not listen yet.
 *
 * @param onRefused told of what Node's parser has refused
 */
export function createListener(app: Express, onRefused: OnRefused, headersTimeoutMs = HEADERS_TIMEOUT_MS): Server {
  const server = createServer({
    ...messageClasses(app),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: headersTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headersTimeoutMs),
    // The app refuses a request without `Host` itself, with an answer from the error table.
    requireHostHeader: false,
  });
  server.maxHeadersCount = MAX_HEADERS;
  const handle = answerParserErrors(server, app, onRefused);
  server.on('request', handle);
  // With these listeners Node leaves `Expect` to us: 100 is said only when the body is wanted.
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  return server;
}
