import { afterEach, beforeEach, expect, test } from 'vitest';
import { order, startSandbox, type TestSandbox } from './start-sandbox.ts';

let sandbox: TestSandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

async function makePayment(): Promise<string> {
  const { json } = await sandbox.ask('/pay/make-payment', { body: order() });
  return String(json.success?.payToken);
}

test('a payment is made, executed, looked up and refunded', async () => {
  const payToken = await makePayment();
  const payment = { payToken, orderNo: 'order-1', isTestPayment: true };

  const executed = await sandbox.ask('/pay/execute-payment', { body: payment });
  const paid = await sandbox.ask('/pay/get-payment-status', { body: payment });
  const refunded = await sandbox.ask('/pay/refund-payment', {
    body: { payToken, reason: '단순 변심', isTestPayment: true },
  });
  const after = await sandbox.ask('/pay/get-payment-status', { body: { orderNo: 'order-1', isTestPayment: true } });

  expect(executed.headers['content-type']).toBe('application/json;charset=UTF-8');
  expect(executed.json).toMatchObject({
    resultType: 'SUCCESS',
    success: { mode: 'TEST', orderNo: 'order-1', paidAmount: 15000, stateMsg: '결제 완료', payToken },
  });
  expect(executed.json.success?.approvalTime).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect(paid.json.success).toMatchObject({ payStatus: 'PAY_COMPLETE', refundableAmount: 15000, amountVat: 1364 });
  expect(refunded.json.success).toMatchObject({ refundedAmount: 15000, refundableAmount: 0, payToken });
  expect(after.json.success).toMatchObject({
    payStatus: 'REFUND_SUCCESS',
    refundableAmount: 0,
    transactions: [
      { stepType: 'PAY', transactionAmount: 15000, transactionId: executed.json.success?.transactionId },
      { stepType: 'REFUND', transactionAmount: -15000, transactionId: refunded.json.success?.transactionId },
    ],
  });
});

test('a payment is refused in Korean, with HTTP 200, when its state does not allow the call', async () => {
  const payToken = await makePayment();
  const execution = { payToken, isTestPayment: true };
  const refund = { payToken, reason: '환불', isTestPayment: true };
  const errorOf = async (call: string, body: object) => {
    const { status, json } = await sandbox.ask(call, { body });
    expect([status, json.resultType]).toEqual([200, 'FAIL']);
    expect(json.error?.reason).toMatch(/[가-힣]/);
    return json.error?.errorCode;
  };

  expect(await errorOf('/pay/make-payment', order())).toBe('PAYMENT_EXISTING_PAYMENT');
  expect(await errorOf('/pay/execute-payment', { ...execution, payToken: 'nobody-knows-it' })).toBe(
    'PAYMENT_NOT_FOUND',
  );
  expect(await errorOf('/pay/execute-payment', { ...execution, orderNo: 'order-2' })).toBe('PAYMENT_NOT_FOUND');
  expect(await errorOf('/pay/execute-payment', { ...execution, isTestPayment: false })).toBe('PAYMENT_NOT_FOUND');
  expect(await errorOf('/pay/refund-payment', refund)).toBe('PAYMENT_NOT_PAID');
  await sandbox.ask('/pay/execute-payment', { body: execution });
  expect(await errorOf('/pay/execute-payment', execution)).toBe('PAYMENT_ALREADY_PAID');
  await sandbox.ask('/pay/refund-payment', { body: refund });
  expect(await errorOf('/pay/refund-payment', refund)).toBe('PAYMENT_ALREADY_REFUNDED');
  expect(await errorOf('/pay/execute-payment', execution)).toBe('PAYMENT_ALREADY_REFUNDED');
});

test('a payment that nobody made has no status: 404', async () => {
  const { status, json } = await sandbox.ask('/pay/get-payment-status', {
    body: { payToken: 'x', isTestPayment: true },
  });

  expect([status, json.error?.errorCode]).toEqual([404, 'PAYMENT_NOT_FOUND']);
});

test.each([
  ['no amount', order({ amount: undefined }), 'amount'],
  ['an amount as text', order({ amount: '15000' }), 'amount'],
  ['a free order', order({ amount: 0 }), 'amount'],
  ['more tax-free than there is', order({ amountTaxFree: 15001 }), 'amount'],
  ['parts that do not add up', order({ amountTaxable: 13636, amountVat: 1000 }), 'amount'],
  ['an order number with a space', order({ orderNo: 'order 1' }), 'orderNo'],
  ['a description of nothing', order({ productDesc: '  ' }), 'productDesc'],
  ['no word on test or live', order({ isTestPayment: undefined }), 'isTestPayment'],
  ['no JSON', '{"orderNo":', 'JSON'],
  ['no object', '[]', 'body'],
])('a payment is refused with HTTP 400 for %s', async (_name, body, named) => {
  const { status, json } = await sandbox.ask('/pay/make-payment', { body });

  expect(status).toBe(400);
  expect(json.error?.errorCode).toBe('INVALID_PARAMETER');
  expect(json.error?.reason).toContain(named);
});

test.each([
  { amountTaxable: 13636, amountVat: 1364 },
  { amountTaxable: 12727, amountVat: 1273, amountServiceFee: 1000 },
  { amountTaxable: 14000 },
  { amountTaxFree: 15000 },
])('a payment is made when its amounts add up: %o', async (fields) => {
  const { json } = await sandbox.ask('/pay/make-payment', { body: order(fields) });

  expect(json.resultType).toBe('SUCCESS');
});

test('a payment needs a user key', async () => {
  const { status, json } = await sandbox.ask('/pay/make-payment', {
    body: order(),
    headers: { 'x-toss-user-key': '' },
  });

  expect(status).toBe(400);
  expect(json.error?.reason).toContain('x-toss-user-key');
});
