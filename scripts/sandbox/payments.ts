import { randomBytes, randomUUID } from 'node:crypto';
import { type Answer, failure, success } from './answer.ts';
import { described, executed, type Payment, refunded, type Transaction } from './payment-answers.ts';
import type { PaymentExecution, PaymentOrder, PaymentQuery, PaymentRefund } from './payment-requests.ts';

const EXISTING = failure('PAYMENT_EXISTING_PAYMENT', '이미 존재하는 결제입니다.');
const ALREADY_PAID = failure('PAYMENT_ALREADY_PAID', '이미 완료된 결제입니다.');
const ALREADY_REFUNDED = failure('PAYMENT_ALREADY_REFUNDED', '이미 환불된 결제입니다.');
const NOT_PAID = failure('PAYMENT_NOT_PAID', '완료되지 않은 결제는 환불할 수 없습니다.');
const NOT_FOUND = failure('PAYMENT_NOT_FOUND', '존재하지 않는 결제입니다.');

/**
 * The sandbox's payments and what may be done to each: made, executed once, refunded once. Nobody has to confirm in the
 * Toss app: a payment stands at `PAY_APPROVED` as soon as it is made. Test and live payments do not see each other.
 * `PAYMENT_EXISTING_PAYMENT` is Toss's own code; it does not publish the others, so these are ours.
 */
export class Payments {
  readonly #byToken = new Map<string, Payment>();
  readonly #tokens = new Map<string, string>();

  make(order: PaymentOrder): Answer {
    if (this.#tokens.has(order.orderNo)) return EXISTING;
    const payToken = randomBytes(16).toString('base64url');
    this.#tokens.set(order.orderNo, payToken);
    this.#byToken.set(payToken, { order, payToken, createdAt: new Date(), status: 'PAY_APPROVED', transactions: [] });
    return success({ payToken });
  }

  execute(request: PaymentExecution): Answer {
    const payment = this.#find(request);
    if (payment === undefined) return NOT_FOUND;
    if (payment.status === 'PAY_COMPLETE') return ALREADY_PAID;
    if (payment.status === 'REFUND_SUCCESS') return ALREADY_REFUNDED;
    const transaction = this.#step(payment, 'PAY', 'PAY_COMPLETE');
    return success(executed(payment, transaction));
  }

  refund(request: PaymentRefund): Answer {
    const payment = this.#find(request);
    if (payment === undefined) return NOT_FOUND;
    if (payment.status === 'PAY_APPROVED') return NOT_PAID;
    if (payment.status === 'REFUND_SUCCESS') return ALREADY_REFUNDED;
    const transaction = this.#step(payment, 'REFUND', 'REFUND_SUCCESS');
    return success(refunded(payment, transaction, randomUUID()));
  }

  /** The one payment call whose failure is an HTTP 404. */
  status(query: PaymentQuery): Answer {
    const payment = this.#find(query);
    return payment === undefined ? { ...NOT_FOUND, status: 404 } : success(described(payment));
  }

  #find({ payToken, orderNo, isTestPayment }: PaymentQuery): Payment | undefined {
    const payment = this.#byToken.get(payToken ?? this.#tokens.get(orderNo ?? '') ?? '');
    if (payment?.order.isTestPayment !== isTestPayment) return undefined;
    return orderNo == null || payment.order.orderNo === orderNo ? payment : undefined;
  }

  #step(payment: Payment, stepType: Transaction['stepType'], status: Payment['status']): Transaction {
    const transaction = { stepType, transactionId: randomUUID(), at: new Date() };
    this.#byToken.set(payment.payToken, { ...payment, status, transactions: [...payment.transactions, transaction] });
    return transaction;
  }
}
