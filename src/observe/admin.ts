import { createServer, type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

/**
 * The operator's own listener: `GET /metrics` for Prometheus, `GET /status` for a person. It needs no key.
 *
 * @param onError told of a bug on the way to a page; the page is then a bare 500
 */
export function createAdmin({ registry }: Metrics, status: () => object, onError: (error: unknown) => void): Server {
  const pages = new Map([
    ['/metrics', { type: registry.contentType, text: () => registry.metrics() }],
    ['/status', { type: 'application/json; charset=utf-8', text: async () => JSON.stringify(status()) }],
  ]);
  return createServer(async ({ method, url = '' }, response) => {
    const page = pages.get(url);
    if (page === undefined) {
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
