import { createServer, type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

/** The operator's own listener: `GET /metrics` for Prometheus, `GET /status` for a person. It needs no key. */
export function createAdmin(metrics: Metrics, status: () => object): Server {
  return createServer(async (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && request.url === '/metrics') {
      response.setHeader('Content-Type', metrics.registry.contentType);
      response.end(await metrics.registry.metrics());
    } else if (isRead && request.url === '/status') {
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
      response.end(JSON.stringify(status()));
    } else {
      response.statusCode = isRead ? 404 : 405;
      response.end();
    }
  });
}
