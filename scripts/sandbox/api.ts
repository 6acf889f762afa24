import type { z } from 'zod';
import { type Answer, failure, tooManyRequests } from './answer.ts';
import { Login, TokenRefresh, TokenRequest, Unlink } from './login.ts';
import { Message, sendMessage } from './messages.ts';
import { OrderQuery, orderStatus } from './orders.ts';
import { PaymentExecution, PaymentOrder, PaymentQuery, PaymentRefund } from './payment-requests.ts';
import { Payments } from './payments.ts';
import { PromotionExecution, Promotions } from './promotions.ts';
import { UserQuota } from './user-quota.ts';

export const PREFIX = '/api-partner/v1/apps-in-toss';

interface ApiCall {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  /** The header `x-toss-user-key`. */
  readonly userKey: string | undefined;
  readonly body: string;
}

type Handler = (call: ApiCall) => Answer;

const NOT_JSON = failure('INVALID_PARAMETER', '요청 본문이 올바른 JSON이 아닙니다.', 400);
const NO_USER_KEY = failure('INVALID_PARAMETER', 'x-toss-user-key 헤더는 필수입니다.', 400);
const NOT_FOUND = failure('NOT_FOUND', '존재하지 않는 API입니다.', 404);

/** A payment API with a memory of its own: from a call to its answer, without sockets. */
export function createApi(): Handler {
  const login = new Login();
  const payments = new Payments();
  const promotions = new Promotions();
  const promotionQuota = new UserQuota(10);
  const messageQuota = new UserQuota(10);

  const routes = new Map<string, Handler>([
    ['POST /user/oauth2/generate-token', withBody(TokenRequest, (request) => login.generateToken(request))],
    ['POST /user/oauth2/refresh-token', withBody(TokenRefresh, (request) => login.refreshToken(request))],
    ['GET /user/oauth2/login-me', (call) => login.loginMe(call.authorization)],
    [
      'POST /user/oauth2/access/remove-by-user-key',
      withBody(Unlink, (request, call) => login.removeByUserKey(request, call.authorization)),
    ],
    ['POST /pay/make-payment', withUser(withBody(PaymentOrder, (order) => payments.make(order)))],
    ['POST /pay/execute-payment', withUser(withBody(PaymentExecution, (request) => payments.execute(request)))],
    ['POST /pay/refund-payment', withUser(withBody(PaymentRefund, (request) => payments.refund(request)))],
    ['POST /pay/get-payment-status', withUser(withBody(PaymentQuery, (query) => payments.status(query)))],
    ['POST /promotion/execute-promotion/get-key', withUser(() => promotions.createKey())],
    [
      'POST /promotion/execute-promotion',
      withUser(
        withBody(PromotionExecution, (request) => promotions.execute(request)),
        promotionQuota,
      ),
    ],
    ['POST /messenger/send-message', withUser(withBody(Message, sendMessage), messageQuota)],
    ['POST /order/get-order-status', withBody(OrderQuery, orderStatus)],
  ]);

  return (call) => {
    const route = call.path.startsWith(PREFIX)
      ? routes.get(`${call.method} ${call.path.slice(PREFIX.length)}`)
      : undefined;
    return (route ?? (() => NOT_FOUND))(call);
  };
}

function withUser(handle: Handler, quota?: UserQuota): Handler {
  return (call) => {
    if (call.userKey === undefined || call.userKey.trim() === '') return NO_USER_KEY;
    return quota?.take(call.userKey) === false ? tooManyRequests() : handle(call);
  };
}

function withBody<T>(schema: z.ZodType<T>, handle: (request: T, call: ApiCall) => Answer): Handler {
  return (call) => {
    let json: unknown;
    try {
      json = JSON.parse(call.body);
    } catch {
      return NOT_JSON;
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return handle(parsed.data, call);
    const field = parsed.error.issues[0]?.path.join('.') || 'body';
    return failure('INVALID_PARAMETER', `요청 값이 올바르지 않습니다: ${field}`, 400);
  };
}
