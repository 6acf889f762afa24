import { createCipheriv, createHmac } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { UpstreamConnection } from './upstream.ts';

/** The cipher suite for which {@link encryptedAlert} encrypts. */
export const ALERT_TLS: TlsOptions = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' };

const FATAL = 2;
const ALERT = 21;
const APPLICATION_DATA = 23;
const TAG_BYTES = 16;

/** The alerts by which a server refuses a client certificate, by number (RFC 8446 §6.2, RFC 5246 §7.2.2). */
export const REFUSALS = {
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  unknown_ca: 48,
  access_denied: 49,
  certificate_required: 116,
} as const;

/** A fatal alert as it stands on the wire before anything is encrypted (RFC 5246 §6.2.1, §7.2). */
export function plainAlert(description: number): Buffer {
  return Buffer.from([ALERT, 3, 3, 0, 2, FATAL, description]);
}

/**
 * A fatal alert as a TLS 1.3 server sends it once the handshake is done; Node has no way to send one.
 *
 * @param recordsBefore how many records the server has sent since its handshake ended: Node's sends two, with a session
 *   ticket each, in the same turn of the event loop
 */
export function encryptedAlert(
  { serverSecret }: UpstreamConnection,
  description: number,
  recordsBefore: number,
): Buffer {
  if (serverSecret === undefined) throw new Error('This is not a TLS 1.3 connection');
  const nonce = expandLabel(serverSecret, 'iv', 12);
  nonce.writeInt32BE(nonce.readInt32BE(8) ^ recordsBefore, 8);
  const content = Buffer.from([FATAL, description, ALERT]);
  const header = Buffer.from([APPLICATION_DATA, 3, 3, 0, content.length + TAG_BYTES]);
  const cipher = createCipheriv('aes-128-gcm', expandLabel(serverSecret, 'key', 16), nonce).setAAD(header);
  return Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** HKDF-Expand-Label for at most one block of SHA-256 (RFC 8446 §7.1, RFC 5869 §2.3). */
function expandLabel(secret: Buffer, label: string, bytes: number): Buffer {
  const name = `tls13 ${label}`;
  const info = Buffer.from([0, bytes, name.length, ...Buffer.from(name), 0, 1]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, bytes);
}
