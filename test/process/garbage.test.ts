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
/** Bytes since the last look are left over. By itself V8 was seen to look 10 times (Node 24 and 26) to 21 times (Node 22). */
const LEAST_LOOKS = Math.floor((CALLS * 2 * BODY.length) / LOOK_AFTER_BYTES) - 1;

test('for every 8 MiB of bodies V8 looks at its young objects, before their buffers make it look at all', async () => {
  const authority = await createAuthority();
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => void connection.socket.write(answer));
  });
  onTestFinished(() => upstream.close());
  const settings = { METRICS_PORT: '0' };
  const service = await startProcess({
    env: await environmentFor({ authority, upstreamPorts: [upstream.port], settings }),
  });
  const { port: metricsPort } = await service.line('metrics');
  const port = await service.ready();
  const looks = async (kind: string) => {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return Number(
      new RegExp(`^nodejs_gc_duration_seconds_count\\{kind="${kind}"\\} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0,
    );
  };
  const call = async () => (await post(port, { method: 'POST', path: '/pay', body: BODY })).status;
  const [minorBefore, majorBefore] = [await looks('minor'), await looks('major')];

  const statuses = new Set<number>();
  for (let made = 0; made < CALLS; made += AT_ONCE) {
    for (const status of await Promise.all(Array.from({ length: AT_ONCE }, call))) statuses.add(status);
  }

  const [minor, major] = [(await looks('minor')) - minorBefore, (await looks('major')) - majorBefore];
  console.log(`${CALLS} calls: ${minor} looks at the young objects, ${major} at all`);
  expect([...statuses]).toEqual([200]);
  expect(minor).toBeGreaterThanOrEqual(LEAST_LOOKS);
});
