/** What the payment calls of Toss's API take. What does not fit these is refused with HTTP 400. */
import { z } from 'zod';

/** Won, without decimals: at most seven digits. */
const amount = z.int().min(0).max(9_999_999);
const payToken = z.string().min(1).max(30);
const orderNo = z.string().regex(/^[0-9A-Za-z_\-:.^@]{1,50}$/);

export const PaymentOrder = z
  .object({
    orderNo,
    productDesc: z
      .string()
      .trim()
      .min(1)
      .max(255)
      .regex(/^[^\\"]*$/),
    amount: amount.min(1),
    amountTaxFree: amount,
    amountTaxable: amount.nullish(),
    amountVat: amount.nullish(),
    amountServiceFee: amount.nullish(),
    isTestPayment: z.boolean(),
  })
  .transform((order) => ({ ...order, ...partsOf(order) }))
  .refine((order) => addsUp(order), { path: ['amount'] });
export type PaymentOrder = z.infer<typeof PaymentOrder>;

export const PaymentExecution = z.object({ payToken, orderNo: orderNo.nullish(), isTestPayment: z.boolean() });
export type PaymentExecution = z.infer<typeof PaymentExecution>;

export const PaymentRefund = z.object({ payToken, reason: z.string().min(1).max(55), isTestPayment: z.boolean() });
export type PaymentRefund = z.infer<typeof PaymentRefund>;

/** One of `payToken` and `orderNo` is enough. */
export const PaymentQuery = z
  .object({ payToken: payToken.nullish(), orderNo: orderNo.nullish(), isTestPayment: z.boolean() })
  .refine((query) => query.payToken != null || query.orderNo != null, { path: ['payToken'] });
export type PaymentQuery = z.infer<typeof PaymentQuery>;

interface GivenAmounts {
  readonly amount: number;
  readonly amountTaxFree: number;
  readonly amountTaxable?: number | null | undefined;
  readonly amountVat?: number | null | undefined;
  readonly amountServiceFee?: number | null | undefined;
}

/** Parts that are not given follow from the others; the VAT is an eleventh of what is taxed, rounded up. */
function partsOf(given: GivenAmounts) {
  const amountServiceFee = given.amountServiceFee ?? 0;
  const taxed = given.amount - given.amountTaxFree - amountServiceFee;
  const amountVat =
    given.amountVat ?? (given.amountTaxable == null ? Math.ceil(taxed / 11) : taxed - given.amountTaxable);
  return { amountTaxable: given.amountTaxable ?? taxed - amountVat, amountVat, amountServiceFee };
}

function addsUp({ amount, amountTaxFree, ...parts }: GivenAmounts & ReturnType<typeof partsOf>): boolean {
  const { amountTaxable, amountVat, amountServiceFee } = parts;
  return (
    amountTaxable >= 0 && amountVat >= 0 && amountTaxFree + amountTaxable + amountVat + amountServiceFee === amount
  );
}
