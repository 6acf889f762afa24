import { expect, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { endingOf, tally } from './support/calls.ts';
import { startNginx } from './support/nginx.ts';
import { startProxy } from './support/proxy.ts';

const CALLERS = 16;

test('after the provider has restarted, calls are answered again within a second', async () => {
  const authority = await createAuthority();
  const nginx = await startNginx({ authority, location: 'return 200 ok;' });
  const settings = { UPSTREAM_WARM_CONNECTIONS: '1' };
  const proxy = await startProxy({ authority, upstreamPort: nginx.port, settings });
  const call = () => post(proxy.port, { method: 'POST', path: '/pay', body: { amount: 1 } });
  await tally(CALLERS, CALLERS, call);

  await nginx.stop();
  const whileDown = await tally(4 * CALLERS, CALLERS, call);
  await nginx.start();
  const upAtMs = performance.now();
  while (endingOf(await call()) !== 'answered 200' && performance.now() < upAtMs + 10_000);
  const recoveredMs = performance.now() - upAtMs;
  const afterwards = await tally(4 * CALLERS, CALLERS, call);

  console.log(
    `provider restart: calls were answered again after ${recoveredMs.toFixed()} ms; down: ${JSON.stringify(whileDown)}`,
  );
  expect(whileDown).toEqual({ 'not_processed upstream_unreachable': 4 * CALLERS });
  expect(recoveredMs).toBeLessThan(1_000);
  expect(afterwards).toEqual({ 'answered 200': 4 * CALLERS });
});
