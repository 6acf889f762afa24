import type { ErrorCode } from '../errors.ts';
import type { Phase } from './trace.ts';

/** What {@link failureCode} looks at; every error of Node's sockets, TLS and HTTP parser fits. */
export interface Failure {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** Endings that are our own making, as the `code` of a {@link Failure}. */
export const CONNECT_DEADLINE = 'ERR_CONNECT_DEADLINE';
export const CALL_DEADLINE = 'ERR_CALL_DEADLINE';
export const CALLER_GONE = 'ERR_CALLER_GONE';
/** The peer switched protocols (101) although nobody asked it to. */
export const UNASKED_UPGRADE = 'ERR_UNASKED_UPGRADE';

/** This process is out of descriptors, ports or memory for another connection. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/**
 * What a look-up says of the name. Any other code is an errno, for EAI_SYSTEM: getaddrinfo(3) could not do its work, mostly
 * for want of a descriptor. Which errno is left to chance (EINVAL and EBUSY were seen, glibc with Node 20 to 26).
 */
const OF_THE_NAME = /^(?:ENOTFOUND$|EAI_|ERR_|$)/;

/**
 * The alerts with which a server says that it does not accept *our* certificate (RFC 8446 §6.2, RFC 5246 §7.2.2), as
 * words. OpenSSL's versions spell them `SSLV3_ALERT_…`, `TLSV1_ALERT_…`, `TLSV13_ALERT_…` or `SSL/TLS_ALERT_…`, and
 * under TLS 1.2 they stand in the text only, so they are looked for by these words.
 */
const OUR_CERTIFICATE =
  /alert[ _](?:bad[ _]certificate|unsupported[ _]certificate|certificate[ _](?:revoked|expired|unknown|required)|unknown[ _]ca|access[ _]denied)(?![ _](?:status|hash))/i;

/** The same alerts by number, as `SSL alert number 116` stands in OpenSSL's texts. */
const OUR_CERTIFICATE_NUMBER = /alert number (?:4[2-68]|49|116)\b/i;

/** OpenSSL's reasons for not trusting a server (X509_V_ERR_*) as Node spells them, and Node's own for a wrong name. */
const SERVER_CERTIFICATE = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
  'UNSPECIFIED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
]);

function refusesOurCertificate({ code = '', message = '' }: Failure): boolean {
  return OUR_CERTIFICATE.test(code) || OUR_CERTIFICATE.test(message) || OUR_CERTIFICATE_NUMBER.test(message);
}

function isConnecting(phase: Phase): boolean {
  return phase === 'dns' || phase === 'tcp' || phase === 'tls';
}

/**
 * Names what went wrong with a call, from the phase that it was in and the error that ended it. It says nothing of the
 * outcome: that follows from the hand-over alone (design §1).
 */
export function failureCode(phase: Phase, failure: Failure): ErrorCode {
  const { code = '' } = failure;
  if (code === CALLER_GONE) return 'caller_gone';
  if (code === CONNECT_DEADLINE) return 'upstream_connect_timeout';
  if (code === CALL_DEADLINE) return isConnecting(phase) ? 'upstream_connect_timeout' : 'upstream_timeout';
  switch (phase) {
    case 'dns':
      return OF_THE_NAME.test(code) ? 'upstream_unresolvable' : 'overloaded';
    case 'tcp':
      if (EXHAUSTED.has(code)) return 'overloaded';
      return code === 'ETIMEDOUT' ? 'upstream_connect_timeout' : 'upstream_unreachable';
    case 'tls':
      if (SERVER_CERTIFICATE.has(code)) return 'upstream_certificate_invalid';
      return refusesOurCertificate(failure) ? 'client_certificate_rejected' : 'upstream_handshake_failed';
    case 'send':
    case 'wait':
      if (refusesOurCertificate(failure)) return 'client_certificate_rejected';
      return code.startsWith('HPE_') || code === UNASKED_UPGRADE ? 'upstream_protocol_error' : 'upstream_reset';
    case 'receive':
      return 'upstream_incomplete';
  }
}
