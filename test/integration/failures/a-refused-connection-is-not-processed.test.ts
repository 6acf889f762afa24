import { expect, test } from 'vitest';
import { expectFailure, setScene } from '../../support/scene.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';

test('a refused connection is not processed', async () => {
  const scene = await setScene(async () => {
    const { port, close } = await startTcpUpstream(() => undefined);
    await close();
    return { port, close: async () => undefined };
  });

  const call = await scene.call();

  expectFailure(call, {
    status: 502,
    code: 'upstream_unreachable',
    outcome: 'not_processed',
    phases: ['dns', 'tcp'],
  });
  expect(call.line.cause).toBe('ECONNREFUSED');
});
