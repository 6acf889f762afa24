import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/errors.ts';
import {
  CALL_DEADLINE,
  CALLER_GONE,
  CONNECT_DEADLINE,
  failureCode,
  UNASKED_UPGRADE,
} from '../../../src/upstream/failure.ts';
import { PHASES, type Phase } from '../../../src/upstream/trace.ts';

const CONNECTING: readonly Phase[] = ['dns', 'tcp', 'tls'];
const EXCHANGING: readonly Phase[] = ['send', 'wait', 'receive'];

/** OpenSSL's text for an alert, as Node 20 (OpenSSL 3.0) and Node 22 to 26 (OpenSSL 3.5) give it. */
const text = (words: string, number: number) =>
  `write EPROTO 808C0A56D87F0000:error:0A000412:SSL routines:ssl3_read_bytes:${words}:` +
  `../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1605:SSL alert number ${number}\n`;

/** Every alert about a client certificate: its number, OpenSSL 3.0's spelling and OpenSSL 3.5's. */
const REFUSALS: readonly (readonly [number, string, string])[] = [
  [42, 'SSLV3_ALERT_BAD_CERTIFICATE', 'SSL/TLS_ALERT_BAD_CERTIFICATE'],
  [43, 'SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 'SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE'],
  [44, 'SSLV3_ALERT_CERTIFICATE_REVOKED', 'SSL/TLS_ALERT_CERTIFICATE_REVOKED'],
  [45, 'SSLV3_ALERT_CERTIFICATE_EXPIRED', 'SSL/TLS_ALERT_CERTIFICATE_EXPIRED'],
  [46, 'SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'SSL/TLS_ALERT_CERTIFICATE_UNKNOWN'],
  [48, 'TLSV1_ALERT_UNKNOWN_CA', 'TLSV1_ALERT_UNKNOWN_CA'],
  [49, 'TLSV1_ALERT_ACCESS_DENIED', 'TLSV1_ALERT_ACCESS_DENIED'],
  [116, 'TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSV13_ALERT_CERTIFICATE_REQUIRED'],
];

/** Alerts that say something else. */
const OTHER_ALERTS: readonly (readonly [number, string])[] = [
  [20, 'SSLV3_ALERT_BAD_RECORD_MAC'],
  [40, 'SSLV3_ALERT_HANDSHAKE_FAILURE'],
  [40, 'SSL/TLS_ALERT_HANDSHAKE_FAILURE'],
  [47, 'SSLV3_ALERT_ILLEGAL_PARAMETER'],
  [70, 'TLSV1_ALERT_PROTOCOL_VERSION'],
  [80, 'TLSV1_ALERT_INTERNAL_ERROR'],
  [112, 'TLSV1_UNRECOGNIZED_NAME'],
  [113, 'TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE'],
  [114, 'TLSV1_BAD_CERTIFICATE_HASH_VALUE'],
  [120, 'TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
];

const words = (spelling: string) => spelling.toLowerCase().replaceAll('_', ' ');

describe.each(REFUSALS)('alert %i', (number, old, current) => {
  test.each(['tls', 'send', 'wait'] as const)('says in phase %s that our certificate was refused', (phase) => {
    for (const spelling of [old, current]) {
      expect(failureCode(phase, { code: `ERR_SSL_${spelling}` })).toBe('client_certificate_rejected');
      expect(failureCode(phase, { code: 'EPROTO', message: text(words(spelling), number) })).toBe(
        'client_certificate_rejected',
      );
    }
    const unworded = text('an alert in words to come', number);
    expect(failureCode(phase, { code: 'EPROTO', message: unworded })).toBe('client_certificate_rejected');
  });
});

test.each(OTHER_ALERTS)('alert %i (%s) is not about our certificate', (number, spelling) => {
  const asCode = { code: `ERR_SSL_${spelling}` };
  const asText = { code: 'EPROTO', message: text(words(spelling), number) };
  for (const failure of [asCode, asText]) {
    expect(failureCode('tls', failure)).toBe('upstream_handshake_failed');
    expect(failureCode('wait', failure)).toBe('upstream_reset');
  }
});

test.each([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNSPECIFIED',
])('%s says that we do not trust the server', (code) => {
  expect(failureCode('tls', { code })).toBe('upstream_certificate_invalid');
});

const ROWS: readonly (readonly [Phase, string | undefined, ErrorCode])[] = [
  ['dns', 'ENOTFOUND', 'upstream_unresolvable'],
  ['dns', 'EAI_AGAIN', 'upstream_unresolvable'],
  ['dns', 'EAI_NODATA', 'upstream_unresolvable'],
  ['dns', 'EMFILE', 'overloaded'],
  ['dns', 'EINVAL', 'overloaded'],
  ['dns', 'EBUSY', 'overloaded'],
  ['dns', 'ERR_INVALID_IP_ADDRESS', 'upstream_unresolvable'],
  ['dns', undefined, 'upstream_unresolvable'],
  ['tcp', 'ECONNREFUSED', 'upstream_unreachable'],
  ['tcp', 'ECONNRESET', 'upstream_unreachable'],
  ['tcp', 'EHOSTUNREACH', 'upstream_unreachable'],
  ['tcp', 'ENETUNREACH', 'upstream_unreachable'],
  ['tcp', 'EPERM', 'upstream_unreachable'],
  ['tcp', 'EINVAL', 'upstream_unreachable'],
  ['tcp', 'ETIMEDOUT', 'upstream_connect_timeout'],
  ['tcp', 'EMFILE', 'overloaded'],
  ['tcp', 'ENFILE', 'overloaded'],
  ['tcp', 'ENOBUFS', 'overloaded'],
  ['tcp', 'ENOMEM', 'overloaded'],
  ['tcp', 'EADDRNOTAVAIL', 'overloaded'],
  ['tcp', undefined, 'upstream_unreachable'],
  ['tls', 'ECONNRESET', 'upstream_handshake_failed'],
  ['tls', 'EPIPE', 'upstream_handshake_failed'],
  ['tls', 'ERR_SSL_WRONG_VERSION_NUMBER', 'upstream_handshake_failed'],
  ['tls', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'upstream_handshake_failed'],
  ['tls', 'ERR_SSL_UNSUPPORTED_PROTOCOL', 'upstream_handshake_failed'],
  ['tls', 'EPROTO', 'upstream_handshake_failed'],
  ['tls', undefined, 'upstream_handshake_failed'],
  ['send', 'EPIPE', 'upstream_reset'],
  ['send', 'ECONNRESET', 'upstream_reset'],
  ['wait', 'ECONNRESET', 'upstream_reset'],
  ['wait', 'ETIMEDOUT', 'upstream_reset'],
  ['wait', 'EHOSTUNREACH', 'upstream_reset'],
  ['wait', undefined, 'upstream_reset'],
  ['send', 'HPE_INVALID_CONSTANT', 'upstream_protocol_error'],
  ['wait', 'HPE_INVALID_CONSTANT', 'upstream_protocol_error'],
  ['wait', 'HPE_HEADER_OVERFLOW', 'upstream_protocol_error'],
  ['wait', 'HPE_UNEXPECTED_CONTENT_LENGTH', 'upstream_protocol_error'],
  ['wait', UNASKED_UPGRADE, 'upstream_protocol_error'],
  ['receive', 'ECONNRESET', 'upstream_incomplete'],
  ['receive', 'HPE_INVALID_CHUNK_SIZE', 'upstream_incomplete'],
  ['receive', undefined, 'upstream_incomplete'],
];

test.each(ROWS)('in phase %s, %s is %s', (phase, code, expected) => {
  expect(failureCode(phase, { code })).toBe(expected);
});

test.each(PHASES)('the connect deadline in phase %s is a connect timeout', (phase) => {
  expect(failureCode(phase, { code: CONNECT_DEADLINE })).toBe('upstream_connect_timeout');
});

test.each(CONNECTING)('the deadline of the call in phase %s is a connect timeout', (phase) => {
  expect(failureCode(phase, { code: CALL_DEADLINE })).toBe('upstream_connect_timeout');
});

test.each(EXCHANGING)('the deadline of the call in phase %s is a timeout', (phase) => {
  expect(failureCode(phase, { code: CALL_DEADLINE })).toBe('upstream_timeout');
});

test.each(PHASES)('a caller that is gone in phase %s is gone', (phase) => {
  expect(failureCode(phase, { code: CALLER_GONE })).toBe('caller_gone');
});
