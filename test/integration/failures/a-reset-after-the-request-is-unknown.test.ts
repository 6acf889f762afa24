import { afterEach, expect, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { type RunningService, startService } from '../../support/service.ts';
import { onRequest, startUpstream, type Upstream } from '../../support/upstream.ts';

let service: RunningService | undefined;
let upstream: Upstream | undefined;

afterEach(async () => {
  await service?.close();
  await upstream?.close();
});

test('a reset after the request is unknown', async () => {
  const authority = await createAuthority();
  upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => connection.tcp.resetAndDestroy());
  });
  service = await startService({ authority, upstreamPorts: [upstream.port] });

  const answer = await post(service.port, { method: 'POST', path: '/pay', body: { amount: 1 } });

  expect(answer.status).toBe(502);
  expect(answer.headers['proxy-outcome']).toBe('unknown');
  expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'upstream_reset', outcome: 'unknown' });
  expect(upstream.received).toContain('POST /pay HTTP/1.1');
  const [line] = await service.callLines(1);
  expect(line).toMatchObject({ code: 'upstream_reset', outcome: 'unknown', status: 502 });
});
