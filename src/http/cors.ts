import cors from 'cors';
import { ProxyError } from '../errors.ts';
import { OUR_HEADERS } from './answer.ts';
import type { Handler } from './call.ts';

const LOCALHOST = /^http:\/\/localhost(:\d+)?$/;

/** No Content: a preflight asks for headers only. */
const PREFLIGHT_STATUS = 204;

const allow: Handler = cors({
  origin: LOCALHOST,
  methods: ['POST'],
  allowedHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
  exposedHeaders: [...OUR_HEADERS],
  optionsSuccessStatus: PREFLIGHT_STATUS,
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
  if (request.method === 'OPTIONS') {
    const { call, requestId } = response.locals;
    response.setHeader('X-Request-Id', requestId);
    if (call) call.status = PREFLIGHT_STATUS;
  }
  allow(request, response, next);
};
