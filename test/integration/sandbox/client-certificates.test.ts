import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { PREFIX } from '../../../scripts/sandbox/api.ts';
import { startSandbox, type TestSandbox } from './start-sandbox.ts';

let sandbox: TestSandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  test('a client certificate is shown to the ledger', async () => {
    await sandbox.ask('/order/get-order-status?why=test', { body: '{"orderId": "1"}', version });

    expect(sandbox.ledger).toMatchObject([
      {
        method: 'POST',
        path: `${PREFIX}/order/get-order-status?why=test`,
        body: '{"orderId": "1"}',
        client: 'test-mini-app',
        fault: 'none',
        answer: { status: 200 },
      },
    ]);
  });

  test.each([
    ['without a client certificate', async () => ({})],
    ['with one from another CA', async () => (await createAuthority()).issue()],
    ['with an expired one', () => sandbox.authority.issue({ notAfter: new Date(Date.now() - 1000) })],
    ['with a server certificate', () => sandbox.authority.issue({ usage: 'server' })],
  ])('nobody gets in %s', async (_name, issue) => {
    await expect(
      sandbox.ask('/order/get-order-status', { body: {}, client: await issue(), version }),
    ).rejects.toThrow();
    expect(sandbox.ledger).toEqual([]);
  });
});
