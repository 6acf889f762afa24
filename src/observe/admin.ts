import type { IncomingHttpHeaders, Server } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Not imported, for the reason that http/listen.ts gives. */
const { createServer } = process.getBuiltinModule('node:http');

const LOOPBACK_ADDRESS = /^(?:(?:::ffff:)?127\.|::1$)/;
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

interface Asked {
  readonly headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>;
  readonly socket: { readonly localAddress?: string | undefined };
}

/**
 * The operator's own listener: `GET /metrics` for Prometheus, `GET /status` for a person. It needs no key; web pages are
 * refused.
 *
 * @param onError told of a bug on the way to a page; the page is then a bare 500
 */
export function createAdmin({ registry }: Metrics, status: () => object, onError: (error: unknown) => void): Server {
  const pages = new Map([
    ['/metrics', { type: registry.contentType, text: () => registry.metrics() }],
    ['/status', { type: 'application/json; charset=utf-8', text: async () => JSON.stringify(status()) }],
  ]);
  return createServer(async (request, response) => {
    const { method, url = '' } = request;
    const page = pages.get(url);
    if (mayBeWebPage(request)) {
      response.writeHead(403, { 'Content-Type': 'text/plain' });
      response.end('This is not for web pages. On this machine, ask for localhost or 127.0.0.1.\n');
    } else if (page === undefined) {
      response.writeHead(404).end();
    } else if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    } else {
      try {
        const text = await page.text();
        response.writeHead(200, { 'Content-Type': page.type }).end(text);
      } catch (error) {
        onError(error);
        response.writeHead(500).end();
      }
    }
  });
}

/**
 * Whether a request may be that of a web page in a browser on the operator's machine. Its `Origin` tells, or, where the
 * page has its own name lead to a loopback address (DNS rebinding), its `Host`. On other addresses `Host` may be any
 * name, since Prometheus may know this machine by one.
 */
export function mayBeWebPage({ headers, socket }: Asked): boolean {
  if (headers.origin !== undefined) return true;
  return LOOPBACK_ADDRESS.test(socket.localAddress ?? '') && !LOOPBACK_HOST.test(headers.host ?? '');
}
