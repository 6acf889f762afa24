import type { Lifecycle } from '../lifecycle.ts';
import type { Handler } from './call.ts';

/**
 * `GET /`, for the balancer and for whoever deploys: 200 while calls are welcome, 503 while the balancer is to look
 * away. `uptime` is in seconds.
 */
export function health(version: string, lifecycle: Lifecycle): Handler {
  return (_request, response) => {
    const isReady = lifecycle.state === 'ready';
    response.setHeader('X-Request-Id', response.locals.requestId);
    response.setHeader('Cache-Control', 'no-store');
    response.status(isReady ? 200 : 503).json({
      status: isReady ? 'ok' : 'draining',
      service: 'Toss mTLS Proxy',
      version,
      timestamp: new Date().toISOString(),
      uptime: Math.round(process.uptime()),
    });
  };
}
