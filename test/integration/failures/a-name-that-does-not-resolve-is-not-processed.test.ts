import dns from 'node:dns';
import { afterEach, expect, test, vi } from 'vitest';
import { expectFailure, setScene } from '../../support/scene.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';

afterEach(() => vi.restoreAllMocks());

test.each(['ENOTFOUND', 'EAI_AGAIN'])('a name that does not resolve (%s) is not processed', async (code) => {
  const scene = await setScene(() => startTcpUpstream(() => undefined));
  vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: (error: Error) => void) => {
    setImmediate(() => done(Object.assign(new Error(`getaddrinfo ${code} pay.example`), { code })));
    // The overloads of `lookup` are more than a stand-in needs.
  }) as unknown as typeof dns.lookup);

  const call = await scene.call();

  expectFailure(call, { status: 502, code: 'upstream_unresolvable', outcome: 'not_processed', phases: ['dns'] });
  expect(call.line.cause).toBe(code);
  expect(scene.upstream.connections).toBe(0);
});
