/**
 * Every way in which a call to this service can end badly, in one table: what the caller reads, what it should do, and
 * what the `Proxy-Status` header says. The README's table is held against this one by a test.
 */

/**
 * Whether the payment API can have processed a call.
 * - `answered`: it answered, and the whole answer is here.
 * - `not_processed`: it cannot have seen the request; sending it again is safe.
 * - `unknown`: it may have processed it; ask for the payment's status before anything else.
 */
export type Outcome = 'answered' | 'not_processed' | 'unknown';

interface ErrorRow {
  readonly status: number;
  /** The short title, for a person who reads a log. */
  readonly error: string;
  /** What to do, in plain words. It may be replaced by a more exact one, never by a secret. */
  readonly message: string;
  /** The proxy error type of RFC 9209 §2.3. */
  readonly proxyStatus: string;
}

export const ERRORS = {
  invalid_json: {
    status: 400,
    error: 'Invalid JSON',
    message: 'The request body is not JSON in UTF-8. Send one JSON object.',
    proxyStatus: 'http_request_error',
  },
  invalid_request: {
    status: 400,
    error: 'Invalid request',
    message: 'The request is not one that this service understands.',
    proxyStatus: 'http_request_error',
  },
  unauthorized: {
    status: 401,
    error: 'Unauthorized',
    message: 'Send one of the keys of PROXY_API_KEYS as "Authorization: Bearer KEY".',
    proxyStatus: 'http_request_denied',
  },
  origin_not_allowed: {
    status: 403,
    error: 'CORS not allowed',
    message: 'Browsers may call this service from http://localhost only. Call it from your backend.',
    proxyStatus: 'http_request_denied',
  },
  host_not_allowed: {
    status: 403,
    error: 'Host not allowed',
    message: 'This "hostname" is not one of UPSTREAM_HOSTS. Name one exactly as it is listed there.',
    proxyStatus: 'http_request_denied',
  },
  path_not_allowed: {
    status: 403,
    error: 'Path not allowed',
    message: 'This method and "path" are not among ALLOWED_PATHS. Operator: list them there if they should be.',
    proxyStatus: 'http_request_denied',
  },
  not_found: {
    status: 404,
    error: 'Not found',
    message: 'There is nothing here. Calls go to POST /proxy, health checks to GET /.',
    proxyStatus: 'http_request_error',
  },
  method_not_allowed: {
    status: 405,
    error: 'Method not allowed',
    message: 'This path takes other methods: see the Allow header.',
    proxyStatus: 'http_request_error',
  },
  request_timeout: {
    status: 408,
    error: 'Request timeout',
    message: 'The request did not arrive whole within 10 seconds.',
    proxyStatus: 'http_request_error',
  },
  payload_too_large: {
    status: 413,
    error: 'Payload too large',
    message: 'The request body is larger than MAX_REQUEST_BYTES.',
    proxyStatus: 'http_request_error',
  },
  unsupported_media_type: {
    status: 415,
    error: 'Unsupported media type',
    message: 'Send "Content-Type: application/json" in UTF-8, without a Content-Encoding.',
    proxyStatus: 'http_request_error',
  },
  expectation_failed: {
    status: 417,
    error: 'Expectation failed',
    message: 'The only expectation that this service meets is "Expect: 100-continue".',
    proxyStatus: 'http_request_error',
  },
  rate_limited: {
    status: 429,
    error: 'Too many requests',
    message: 'This caller has used up its calls for now. Wait for the seconds in Retry-After.',
    proxyStatus: 'http_request_denied',
  },
  headers_too_large: {
    status: 431,
    error: 'Request headers too large',
    message: 'The request headers are larger than 16 KiB. The headers for the payment API belong in the JSON body.',
    proxyStatus: 'http_request_error',
  },
  caller_gone: {
    status: 499,
    error: 'Caller gone',
    message: 'The caller hung up before the answer was there. Nobody reads this: it stands in logs and metrics only.',
    proxyStatus: 'http_request_error',
  },
  internal_error: {
    status: 500,
    error: 'Internal error',
    message: 'This service failed. Its log has the cause under this requestId.',
    proxyStatus: 'proxy_internal_error',
  },
  overloaded: {
    status: 503,
    error: 'Too many calls in flight',
    message: 'This service has as many calls in flight as it may. Send the call again in a second.',
    proxyStatus: 'connection_limit_reached',
  },
  upstream_unresolvable: {
    status: 502,
    error: 'Proxy request failed',
    message: 'The name of the payment API could not be resolved. Operator: check UPSTREAM_HOSTS and DNS.',
    proxyStatus: 'dns_error',
  },
  upstream_unreachable: {
    status: 502,
    error: 'Proxy request failed',
    message: 'No connection to the payment API: it refused, or there is no route. Send the call again later.',
    proxyStatus: 'connection_refused',
  },
  upstream_connect_timeout: {
    status: 504,
    error: 'Proxy request failed',
    message: 'No connection to the payment API in time. Nothing was sent; send the call again later.',
    proxyStatus: 'connection_timeout',
  },
  upstream_handshake_failed: {
    status: 502,
    error: 'Proxy request failed',
    message:
      'The TLS handshake with the payment API failed: it does not speak TLS here, no common version, or it hung up. ' +
      'Operator: check the host, the port and the client certificate.',
    proxyStatus: 'tls_protocol_error',
  },
  upstream_certificate_invalid: {
    status: 502,
    error: 'Proxy request failed',
    message:
      'The server is not proven to be the payment API: its certificate is not trusted, has expired or is for another ' +
      'name. Operator: check UPSTREAM_HOSTS, and UPSTREAM_CA_B64 or UPSTREAM_CA_FILE for a private CA.',
    proxyStatus: 'tls_certificate_error',
  },
  client_certificate_rejected: {
    status: 502,
    error: 'Proxy request failed',
    message:
      'The payment API refused our client certificate. Operator: is it expired, revoked, or for another environment?',
    proxyStatus: 'tls_alert_received',
  },
  upstream_timeout: {
    status: 504,
    error: 'Proxy request failed',
    message: 'The payment API did not answer in time. It may have processed the call: ask for its status first.',
    proxyStatus: 'http_response_timeout',
  },
  upstream_reset: {
    status: 502,
    error: 'Proxy request failed',
    message:
      'The payment API closed the connection without an answer. It may have processed the call: ask for its status first.',
    proxyStatus: 'connection_terminated',
  },
  upstream_protocol_error: {
    status: 502,
    error: 'Proxy request failed',
    message:
      'The payment API answered with something that is not proper HTTP. It may have processed the call: ask for its ' +
      'status first.',
    proxyStatus: 'http_protocol_error',
  },
  upstream_incomplete: {
    status: 502,
    error: 'Proxy request failed',
    message: 'The answer of the payment API broke off. It may have processed the call: ask for its status first.',
    proxyStatus: 'http_response_incomplete',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

interface ProxyErrorOptions {
  /** Default `not_processed`: most errors are met before anything was sent. */
  readonly outcome?: Outcome;
  /** A more exact text than the table's. Never a secret, a stack, or a part of a request body. */
  readonly message?: string;
  /** A more exact title than the table's. */
  readonly title?: string;
  /** What went wrong beneath; for the log's error code only, never for the caller. */
  readonly cause?: unknown;
}

/** A call that ended with a row of {@link ERRORS}. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly status: number;
  readonly title: string;

  constructor(code: ErrorCode, options: ProxyErrorOptions = {}) {
    const row = ERRORS[code];
    super(options.message ?? row.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome ?? 'not_processed';
    this.status = row.status;
    this.title = options.title ?? row.error;
  }
}
