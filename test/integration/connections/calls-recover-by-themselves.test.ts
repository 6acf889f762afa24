import type { LookupFunction } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { until } from '../../support/event-loop.ts';
import { answerOk, openPool } from '../../support/pool.ts';
import { expectAnswer, expectFailure, setScene } from '../../support/scene.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

test('after the provider has restarted the next call is answered', async () => {
  let restart = async () => {};
  let stop = async () => {};
  const scene = await setScene(async (authority) => {
    let upstream: Upstream = await startUpstream(authority, answerOk);
    const { port } = upstream;
    stop = () => upstream.close();
    restart = async () => {
      upstream = await startUpstream(authority, answerOk, {}, { host: 'localhost', port });
    };
    return { port, close: () => upstream.close() };
  });
  expectAnswer(await scene.call(), 200, 'ok');

  await stop();
  const meanwhile = await scene.call();
  await restart();
  const afterwards = await scene.call();

  expectFailure(meanwhile, {
    status: 502,
    code: 'upstream_unreachable',
    outcome: 'not_processed',
    phases: ['dns', 'tcp'],
  });
  expectAnswer(afterwards, 200, 'ok');
});

test('when the name moves to another address and the old server ends, the next call goes to the new one', async () => {
  const authority = await createAuthority();
  const old = await startUpstream(authority, answerOk, {}, { host: '127.0.0.1', port: 0 });
  const moved = await startUpstream(authority, answerOk, {}, { host: '127.0.0.2', port: old.port });
  onTestFinished(() => moved.close());
  let address = '127.0.0.1';
  const lookup: LookupFunction = (_name, _options, done) => done(null, [{ address, family: 4 }]);
  const { call, status } = await openPool(authority, `localhost:${old.port}`, { lookup, warmConnections: 1 });
  expect((await call()).outcome).toBe('answered');
  await until(() => status().idle === 1);

  address = '127.0.0.2';
  await old.close();
  await until(() => status().idle === 0);

  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
  expect(moved.received).toContain('GET / ');
});
