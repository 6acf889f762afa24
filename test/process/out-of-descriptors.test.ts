import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { callRaw, rawCall } from '../support/raw-caller.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';

const PAYMENT = rawCall('{"method":"POST","path":"/pay","body":{"amount":1}}');

/** Sets how many descriptors a process may have; it keeps those that it has. */
function allowDescriptors(pid: number | undefined, most: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${most}:`]);
}

function descriptorsOf(pid: number | undefined): number[] {
  return readdirSync(`/proc/${pid}/fd`).map(Number);
}

/** A process that may have no more than so many gets none. */
function lowestFreeDescriptor(pid: number | undefined): number {
  const inUse = descriptorsOf(pid);
  let descriptor = 0;
  while (inUse.includes(descriptor)) descriptor += 1;
  return descriptor;
}

test('a call for which there is no descriptor is told that the service is overloaded', async () => {
  const authority = await createAuthority();
  // Each call needs a connection of its own, and so a look-up of its own.
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () =>
      connection.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npaid'),
    );
  });
  onTestFinished(() => upstream.close());
  const service = await startProcess({ env: await environmentFor({ authority, upstreamPorts: [upstream.port] }) });
  const caller = await callRaw(await service.ready());
  const { pid } = service.child;
  await caller.send('GET / HTTP/1.1\r\nHost: service.example\r\n\r\n');
  await caller.reads(/"status":"ok"/);
  const inUse = descriptorsOf(pid).length;
  await caller.send(PAYMENT);
  await caller.reads(/paid$/);
  await vi.waitUntil(() => descriptorsOf(pid).length === inUse, { timeout: 10_000 });

  allowDescriptors(pid, lowestFreeDescriptor(pid));
  await caller.send(PAYMENT);
  await caller.reads(/"requestId":"[^"]+"\}$/);

  expect(caller.text).toMatch(/HTTP\/1\.1 503 [\s\S]*Proxy-Outcome: not_processed[\s\S]*"code":"overloaded"/);
  expect(upstream.connections).toBe(1);

  allowDescriptors(pid, 1024);
  await caller.send(PAYMENT);
  await caller.reads(/paid[\s\S]*paid$/);
  expect(upstream.connections).toBe(2);
});
