import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';

const CALLS = 2_000;
const AT_ONCE = 16;
const BODY = 'x'.repeat(60_000);
const LOOK_AFTER_BYTES = 8 * 1_048_576;
/** Bytes since the last look are left over, and each look is taken after a whole body, so that some looks are saved. */
const LEAST_LOOKS = Math.floor((CALLS * 2 * BODY.length) / (LOOK_AFTER_BYTES + BODY.length));

/** Counts the collections that somebody has asked for, apart from those that V8 finds due. Node delivers entries later. */
const COUNT_FORCED = `
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  let forced = 0;
  const count = (entries) => {
    for (const { detail } of entries) if (detail.flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) forced += 1;
  };
  const observer = new PerformanceObserver((list) => count(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  process.on('exit', () => {
    count(observer.takeRecords());
    process.stderr.write(\`forced: \${forced}\\n\`);
  });
`;

test('for every 8 MiB of bodies V8 looks at its young objects, before their buffers make it look at all', async () => {
  const authority = await createAuthority();
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => void connection.socket.write(answer));
  });
  onTestFinished(() => upstream.close());
  const service = await startProcess({
    env: await environmentFor({ authority, upstreamPorts: [upstream.port] }),
    preload: COUNT_FORCED,
  });
  const port = await service.ready();
  const call = async () => (await post(port, { method: 'POST', path: '/pay', body: BODY })).status;

  const statuses = new Set<number>();
  for (let made = 0; made < CALLS; made += AT_ONCE) {
    for (const status of await Promise.all(Array.from({ length: AT_ONCE }, call))) statuses.add(status);
  }

  service.child.kill('SIGTERM');
  await service.exit;
  expect([...statuses]).toEqual([200]);
  const looks = Number(/^forced: (\d+)$/m.exec(service.stderr)?.[1]);
  expect(looks).toBeGreaterThanOrEqual(LEAST_LOOKS);
  expect(looks).toBeLessThanOrEqual(LEAST_LOOKS + 2);
});
