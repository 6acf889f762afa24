import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox, type TestSandbox } from './start-sandbox.ts';

let sandbox: TestSandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

test('a login code gives tokens once, and an access token gives the user', async () => {
  const body = { authorizationCode: 'code-1', referrer: 'SANDBOX' };
  const first = await sandbox.ask('/user/oauth2/generate-token', { body });
  const again = await sandbox.ask('/user/oauth2/generate-token', { body });
  const lowerCase = await sandbox.ask('/user/oauth2/generate-token', {
    body: { authorizationCode: '2', referrer: 'sandbox' },
  });
  const refreshed = await sandbox.ask('/user/oauth2/refresh-token', {
    body: { refreshToken: first.json.success?.refreshToken },
  });
  const me = (token: unknown) =>
    sandbox.ask('/user/oauth2/login-me', { method: 'GET', headers: { authorization: `Bearer ${token}` } });
  const known = await me(refreshed.json.success?.accessToken);
  const stranger = await me('nobody');

  expect(first.json.success).toMatchObject({ expiresIn: 3600, scope: expect.any(String) });
  expect([again.status, again.json]).toEqual([400, { error: 'invalid_grant' }]);
  expect(lowerCase.status).toBe(400);
  expect(known.json.success?.userKey).toEqual(expect.any(Number));
  expect([stranger.status, stranger.json]).toEqual([401, { error: 'invalid_grant' }]);

  const unlinked = await sandbox.ask('/user/oauth2/access/remove-by-user-key', {
    body: { userKey: known.json.success?.userKey },
    headers: { authorization: `Bearer ${refreshed.json.success?.accessToken}` },
  });
  expect(unlinked.json.resultType).toBe('SUCCESS');
  expect((await me(refreshed.json.success?.accessToken)).status).toBe(401);
});

test('a promotion key grants points once', async () => {
  const { json } = await sandbox.ask('/promotion/execute-promotion/get-key');
  const body = { promotionCode: 'PROMOTION', key: json.success?.key, amount: 100 };
  const granted = await sandbox.ask('/promotion/execute-promotion', { body });
  const again = await sandbox.ask('/promotion/execute-promotion', { body });
  const unknown = await sandbox.ask('/promotion/execute-promotion', { body: { ...body, key: 'made-up' } });

  expect(granted.json.success).toEqual({ key: json.success?.key });
  expect(again.json.error?.errorCode).toBe('4113');
  expect(unknown.json.error?.errorCode).toBe('4111');
});

test('a user gets ten messages a minute; the eleventh is one too many', async () => {
  const body = { templateSetCode: 'order_complete', context: { storeName: '토스' } };
  for (let count = 0; count < 10; count += 1) {
    expect((await sandbox.ask('/messenger/send-message', { body })).json.success).toMatchObject({ msgCount: 1 });
  }

  expect((await sandbox.ask('/messenger/send-message', { body })).json.error?.errorCode).toBe('4095');
  const other = await sandbox.ask('/messenger/send-message', { body, headers: { 'x-toss-user-key': '2' } });
  expect(other.json.resultType).toBe('SUCCESS');
});

test('an in-app order has the status that its id names', async () => {
  const statusOf = async (orderId: string) =>
    (await sandbox.ask('/order/get-order-status', { body: { orderId } })).json.success?.status;

  expect(await statusOf('test-REFUNDED-1')).toBe('REFUNDED');
  expect(await statusOf('nothing')).toBe('NOT_FOUND');
});

test.each(['/pay/no-such-call', '/api-partner/v2/pay/make-payment', '/user/oauth2/login-me'])(
  'a POST to %s finds nothing',
  async (call) => {
    const { status, json } = await sandbox.ask(call, { body: {} });

    expect([status, json.error?.errorCode]).toEqual([404, 'NOT_FOUND']);
  },
);

test('a body above a mebibyte is refused', async () => {
  expect((await sandbox.ask('/pay/make-payment', { body: `"${'x'.repeat(1_048_576)}"` })).status).toBe(413);
  expect(sandbox.ledger).toEqual([]);
});
