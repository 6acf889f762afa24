import { PREFIX } from '../sandbox/api.ts';
import { FAULT_HEADER } from '../sandbox/faults.ts';
import type { Envelope, Reply } from './caller.ts';
import type { Painter } from './paint.ts';

export interface Stage {
  /** Sends an envelope through the service. */
  call(envelope: Envelope): Promise<Reply>;
  print(text: string): void;
  readonly painter: Painter;
  /** A host that the service may reach, and where nothing listens. */
  readonly deadHost: string;
}

/** The story did not go as it should: the message says where. */
export class StoryError extends Error {}

interface Step {
  readonly title: string;
  readonly envelope: Envelope;
  readonly expected: { readonly status: number; readonly outcome: string; readonly facts?: Record<string, unknown> };
  /** The name of the field of the answer to show. */
  readonly show: string;
}

const USER_KEY = '443731104';
export const PAID_ORDER = 'order-2';

const ANSWERED = { status: 200, outcome: 'answered' };

/**
 * An order is made, paid and refunded; a second one is paid while its answer gets lost; a third never leaves.
 * @throws StoryError when a call ends otherwise than told
 */
export async function tellStory(stage: Stage): Promise<void> {
  const { print, painter } = stage;
  let number = 0;

  async function step({ title, envelope, expected, show }: Step): Promise<Reply> {
    number += 1;
    const heading = `${number}. ${title}`;
    print(painter.title(heading));
    const reply = await stage.call(envelope);
    const shown = reply.code ?? `${show} ${reply.success[show] ?? '(none)'}`;
    print(painter.result(reply, shown));
    print(painter.timing(reply));
    const { status, outcome, facts = {} } = expected;
    const wrongFact = Object.entries(facts).find(([name, value]) => reply.success[name] !== value);
    if (reply.status !== status || reply.outcome !== outcome || wrongFact !== undefined) {
      const fact = wrongFact === undefined ? '' : ` with ${wrongFact.join(' ')}`;
      throw new StoryError(`Step ${heading}\nshould have ended as HTTP ${status}, ${outcome}${fact}.`);
    }
    return reply;
  }

  const make = (orderNo: string, title: string) =>
    step({ title, envelope: payment('make-payment', order(orderNo)), expected: ANSWERED, show: 'payToken' });

  const first = await make('order-1', 'Make a payment of 15,000 won.');
  const firstOrder = { payToken: first.success.payToken, orderNo: 'order-1', isTestPayment: true };
  print('   A fresh connection: the proxy has shown its client certificate.\n');
  await step({
    title: 'Execute it: the money moves.',
    envelope: payment('execute-payment', firstOrder),
    expected: { ...ANSWERED, facts: { paidAmount: 15000 } },
    show: 'paidAmount',
  });
  print('   The same connection again: no dns, no tcp, no tls.\n');
  await step({
    title: 'Ask for its status.',
    envelope: payment('get-payment-status', firstOrder),
    expected: { ...ANSWERED, facts: { payStatus: 'PAY_COMPLETE' } },
    show: 'payStatus',
  });
  print('');
  await step({
    title: 'Refund it.',
    envelope: payment('refund-payment', { payToken: first.success.payToken, reason: '단순 변심', isTestPayment: true }),
    expected: { ...ANSWERED, facts: { refundedAmount: 15000 } },
    show: 'refundedAmount',
  });
  print('');

  const second = await make(PAID_ORDER, 'Make a second payment.');
  const secondOrder = { payToken: second.success.payToken, orderNo: PAID_ORDER, isTestPayment: true };
  print('');
  await step({
    title: 'Execute it, while the payment API breaks off before it answers.',
    envelope: payment('execute-payment', secondOrder, { [FAULT_HEADER]: 'reset-after' }),
    expected: { status: 502, outcome: 'unknown' },
    show: 'code',
  });
  print('   unknown: it may have been paid. Do not send it again; ask first.\n');
  await step({
    title: 'Ask for its status.',
    envelope: payment('get-payment-status', secondOrder),
    expected: { ...ANSWERED, facts: { payStatus: 'PAY_COMPLETE' } },
    show: 'payStatus',
  });
  print('   It had been paid. That is why unknown is not "failed".\n');

  await step({
    title: 'Make a third payment, at a host where nothing listens.',
    envelope: { ...payment('make-payment', order('order-3')), hostname: stage.deadHost },
    expected: { status: 502, outcome: 'not_processed' },
    show: 'code',
  });
  print('   not_processed: nobody has seen it. It is safe to send again.\n');
}

/** The envelope of one call to the payment API. */
export function payment(call: string, body: object, headers: Record<string, string> = {}): Envelope {
  return {
    method: 'POST',
    path: `${PREFIX}/pay/${call}`,
    headers: { 'x-toss-user-key': USER_KEY, ...headers },
    body,
  };
}

function order(orderNo: string) {
  return { orderNo, productDesc: '아메리카노 3잔', amount: 15000, amountTaxFree: 0, isTestPayment: true };
}
