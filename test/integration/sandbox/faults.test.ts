import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Call, order, responseTo, startSandbox, type TestSandbox } from './start-sandbox.ts';

let sandbox: TestSandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

const withFault = (fault: string): Call => ({ body: order(), headers: { 'x-sandbox-fault': fault } });
const isMade = async () =>
  (await sandbox.ask('/pay/get-payment-status', { body: { orderNo: 'order-1', isTestPayment: true } })).status === 200;

test('delay=MS answers late', async () => {
  const start = performance.now();
  const { json } = await sandbox.ask('/pay/make-payment', withFault('delay=60'));

  expect(json.resultType).toBe('SUCCESS');
  expect(performance.now() - start).toBeGreaterThan(55);
});

test('delay=MS processes even when the caller has gone', async () => {
  const processed = once(sandbox.calls, 'processed');
  const { body, headers } = withFault('delay=60');
  const request = sandbox.send('/pay/make-payment', { body, headers: { ...headers, expect: '100-continue' } });
  await once(request, 'continue'); // the sandbox has the request now, and its body, which came with it
  const hungUp = once(request, 'error');
  request.destroy();
  await hungUp;

  expect(await processed).toMatchObject([{ fault: 'delay', client: 'test-mini-app', answer: { status: 200 } }]);
});

test('hang processes and never answers; the end of the sandbox ends the wait', async () => {
  const processed = once(sandbox.calls, 'processed');
  const failure = once(sandbox.send('/pay/make-payment', withFault('hang')), 'error');

  expect(await processed).toMatchObject([{ fault: 'hang' }]);
  expect(await isMade()).toBe(true);
  await sandbox.close();
  expect(await failure).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('reset-before resets without reading: nothing is made', async () => {
  await expect(sandbox.ask('/pay/make-payment', withFault('reset-before'))).rejects.toMatchObject({
    code: 'ECONNRESET',
  });
  expect(sandbox.ledger).toEqual([]);
  expect(await isMade()).toBe(false);
});

test('reset-after resets after the payment was made', async () => {
  await expect(sandbox.ask('/pay/make-payment', withFault('reset-after'))).rejects.toMatchObject({
    code: 'ECONNRESET',
  });
  expect(await isMade()).toBe(true);
});

test('half cuts the answer after the payment was made', async () => {
  const response = await responseTo(sandbox.send('/pay/make-payment', withFault('half')));
  const received: Buffer[] = [];
  response.on('data', (chunk: Buffer) => received.push(chunk));

  await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
  const half = Math.floor(Number(response.headers['content-length']) / 2);
  expect(Buffer.concat(received)).toHaveLength(half);
  expect(await isMade()).toBe(true);
});

test('drip=MS answers piece by piece, whole in the end', async () => {
  const response = await responseTo(sandbox.send('/pay/make-payment', withFault('drip=2')));
  const pieces: Buffer[] = [];
  response.on('data', (piece: Buffer) => pieces.push(piece));
  await once(response, 'end');

  expect(pieces.length).toBeGreaterThan(1);
  expect(JSON.parse(Buffer.concat(pieces).toString())).toMatchObject({ resultType: 'SUCCESS' });
  expect(await isMade()).toBe(true);
});

test('500 and 4095 fail as Toss does, and make nothing', async () => {
  const failed = await sandbox.ask('/pay/make-payment', withFault('500'));
  const refused = await sandbox.ask('/pay/make-payment', withFault('4095'));

  expect([failed.status, failed.json.error?.errorCode]).toEqual([500, 'INTERNAL_ERROR']);
  expect([refused.status, refused.json.error?.errorCode]).toEqual([200, '4095']);
  expect(await isMade()).toBe(false);
});

test.each(['dealy=5', 'delay', 'delay=5s', 'delay=600001', 'hang=5', ''])(
  'a fault that does not exist is named: %o',
  async (fault) => {
    const { status, json } = await sandbox.ask('/pay/make-payment', withFault(fault));

    expect([status, json.error?.errorCode]).toEqual([400, 'SANDBOX_UNKNOWN_FAULT']);
    expect(json.error?.reason).toContain('delay=MS');
    expect(await isMade()).toBe(false);
  },
);
