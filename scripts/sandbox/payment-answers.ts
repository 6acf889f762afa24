/** The `success` parts of the payment calls, field by field as Toss documents them. */
import type { PaymentOrder } from './payment-requests.ts';

export interface Transaction {
  readonly stepType: 'PAY' | 'REFUND';
  readonly transactionId: string;
  readonly at: Date;
}

export interface Payment {
  readonly order: PaymentOrder;
  readonly payToken: string;
  readonly createdAt: Date;
  readonly status: 'PAY_APPROVED' | 'PAY_COMPLETE' | 'REFUND_SUCCESS';
  readonly transactions: readonly Transaction[];
}

const TOSS_MONEY = {
  payMethod: 'TOSS_MONEY',
  accountBankCode: '092',
  accountBankName: '토스뱅크',
  accountNumber: '100******094',
};

export function executed({ order, payToken }: Payment, { transactionId, at }: Transaction) {
  return {
    code: 0,
    mode: mode(order),
    orderNo: order.orderNo,
    amount: order.amount,
    approvalTime: koreanTime(at),
    stateMsg: '결제 완료',
    discountedAmount: 0,
    paidAmount: order.amount,
    payToken,
    transactionId,
    ...TOSS_MONEY,
    msg: null,
    errorCode: null,
  };
}

/** @param refundNo the refund's own number */
export function refunded({ order, payToken }: Payment, { transactionId, at }: Transaction, refundNo: string) {
  return {
    refundNo,
    approvalTime: koreanTime(at),
    refundableAmount: 0,
    discountedAmount: 0,
    paidAmount: order.amount,
    refundedAmount: order.amount,
    refundedDiscountAmount: 0,
    refundedPaidAmount: order.amount,
    payToken,
    transactionId,
    ...TOSS_MONEY,
  };
}

export function described({ order, payToken, status, transactions, createdAt }: Payment) {
  const paidAt = transactions.find(({ stepType }) => stepType === 'PAY')?.at;
  return {
    mode: mode(order),
    payToken,
    orderNo: order.orderNo,
    payStatus: status,
    amount: order.amount,
    discountedAmount: 0,
    paidAmount: paidAt === undefined ? 0 : order.amount,
    refundableAmount: status === 'PAY_COMPLETE' ? order.amount : 0,
    amountTaxable: order.amountTaxable,
    amountTaxFree: order.amountTaxFree,
    amountVat: order.amountVat,
    amountServiceFee: order.amountServiceFee,
    ...TOSS_MONEY,
    card: null,
    transactions: transactions.map(({ stepType, transactionId, at }) => ({
      stepType,
      transactionId,
      paidAmount: order.amount,
      transactionAmount: stepType === 'PAY' ? order.amount : -order.amount,
      discountedAmount: 0,
      pointAmount: 0,
      regTs: koreanTime(at),
    })),
    createdTs: koreanTime(createdAt),
    paidTs: paidAt === undefined ? null : koreanTime(paidAt),
  };
}

function mode(order: PaymentOrder): 'TEST' | 'LIVE' {
  return order.isTestPayment ? 'TEST' : 'LIVE';
}

/** As Toss writes times: `2026-11-23 14:30:00`. */
function koreanTime(time: Date): string {
  return time.toLocaleString('sv-SE', { timeZone: 'Asia/Seoul' });
}
