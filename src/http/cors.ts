import cors from 'cors';
import { ProxyError } from '../errors.ts';
import { OUR_HEADERS } from './answer.ts';
import type { Handler } from './call.ts';

const LOCALHOST = /^http:\/\/localhost(:\d+)?$/;

const allow: Handler = cors({
  origin: LOCALHOST,
  methods: ['POST'],
  allowedHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
  exposedHeaders: [...OUR_HEADERS],
  optionsSuccessStatus: 204,
});

/**
 * Lets requests without an `Origin` pass, and those of a page on localhost with CORS headers. Any other origin is
 * refused here, by the server: CORS itself only asks browsers to keep the answer from the page.
 */
export const guardOrigin: Handler = (request, response, next) => {
  const { origin } = request.headers;
  if (origin === undefined) {
    next();
    return;
  }
  if (!LOCALHOST.test(origin)) throw new ProxyError('origin_not_allowed');
  response.setHeader('X-Request-Id', response.locals.requestId);
  allow(request, response, next);
};
