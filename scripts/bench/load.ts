import { type Agent, request } from 'node:http';
import autocannon from 'autocannon';
import type { CallerRequest } from './contenders.ts';

interface LoadResult {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly failures: number;
}

/** Calls as fast as the answers come, with so many callers at once. */
export async function closedLoop(
  port: number,
  { path, headers, body }: CallerRequest,
  load: { readonly callers: number; readonly seconds: number },
): Promise<LoadResult> {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    method: 'POST',
    headers: { ...headers },
    body,
    connections: load.callers,
    duration: load.seconds,
    timeout: 30,
  });
  const calls = result['2xx'];
  return {
    calls,
    callsPerSecond: calls / result.duration,
    failures: result.non2xx + result.errors + result.timeouts,
  };
}

/** How long one call takes, in ms, from its first byte to the last of the answer. */
export function latencyOf(port: number, { path, headers, body }: CallerRequest, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now();
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
        ...(agent && { agent }),
      },
      (response) => {
        response.resume().on('end', () => {
          if (response.statusCode === 200) resolve(performance.now() - startedAtMs);
          else reject(new Error(`status ${response.statusCode}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
