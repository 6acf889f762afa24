import { z } from 'zod';
import { type Answer, success } from './answer.ts';

export const OrderQuery = z.object({ orderId: z.string().min(1) });

const STATUSES = ['PURCHASED', 'PAYMENT_COMPLETED', 'FAILED', 'REFUNDED', 'ORDER_IN_PROGRESS', 'MINIAPP_MISMATCH'];

/**
 * In-app purchases are made in the app stores, so the sandbox has none: an order has the status that its id names, as in
 * `test-REFUNDED-1`.
 */
export function orderStatus({ orderId }: z.infer<typeof OrderQuery>): Answer {
  const status = STATUSES.find((name) => orderId.includes(name));
  if (status === undefined) return success({ orderId, status: 'NOT_FOUND', reason: '주문을 찾을 수 없어요.' });
  return success({ orderId, status, reason: '샌드박스 주문이에요.' });
}
