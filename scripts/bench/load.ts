import { type Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import autocannon from 'autocannon';
import { requestOf } from './contenders.ts';
import type { Running } from './ground.ts';
import { type BodySize, bodyOf } from './setting.ts';

/** Calls as fast as the answers come, from so many callers. */
export interface Load {
  readonly size: BodySize;
  readonly callers: number;
}

/** autocannon looks this often whether all calls are through. */
const LOOK_EVERY_MS = 10;

/**
 * Makes so many calls, and reads every byte of every answer.
 *
 * @returns calls a second
 * @throws when an answer was not the payment API's
 */
export async function closedLoop(running: Running, { size, callers }: Load, calls: number): Promise<number> {
  const { path, headers, body } = requestOf(running.contender, size);
  const startedAtMs = performance.now();
  const result = await autocannon({
    url: running.url + path,
    method: 'POST',
    headers: { ...headers },
    body,
    expectBody: bodyOf(size),
    connections: Math.min(callers, calls),
    amount: calls,
    sampleInt: LOOK_EVERY_MS,
    timeout: 30,
    ...(running.tls && { tlsOptions: { ...running.tls, servername: 'localhost' } }),
  });
  const met = { good: result['2xx'] - result.mismatches, errors: result.errors };
  if (!isDeepStrictEqual(met, { good: calls, errors: 0 })) {
    throw new Error(`${running.contender.name}: ${met.good} of ${calls} answers were good, ${met.errors} errors`);
  }
  return calls / ((performance.now() - startedAtMs) / 1000);
}

/**
 * Makes one call.
 *
 * @returns how long it took in ms, to the last byte of the answer
 * @throws when the answer was not the payment API's
 */
export function timeCall(running: Running, size: BodySize, agent: Agent): Promise<number> {
  const { path, headers, body } = requestOf(running.contender, size);
  const request = running.tls === undefined ? httpRequest : httpsRequest;
  const expectedBytes = bodyOf(size).length;
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now();
    const options = { method: 'POST', headers: { ...headers, 'content-length': body.length }, agent };
    const outgoing = request(running.url + path, options, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => {
        if (response.statusCode === 200 && bytes === expectedBytes) resolve(performance.now() - startedAtMs);
        else reject(new Error(`${running.contender.name}: status ${response.statusCode} with ${bytes} bytes`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
