import { createCipheriv, createHmac } from 'node:crypto';

/** The only cipher suite that {@link certificateAlert} knows. */
export const LATE_ALERT_CIPHER = 'TLS_AES_128_GCM_SHA256';

const FATAL = 2;
const UNKNOWN_CA = 48;
const ALERT = 21;
/** Application data, as every record looks under TLS 1.3; 2 bytes of alert, its type, 16 bytes of tag. */
const RECORD_HEADER = Buffer.from([23, 3, 3, 0, 2 + 1 + 16]);

/**
 * The alert with which a server refuses a client certificate, as one record of TLS 1.3 (RFC 8446 §5.2, §6). No TLS
 * library sends it after it has let a request through, but a proxy in front of the payment API may.
 *
 * @param secret SERVER_TRAFFIC_SECRET_0 of a connection with {@link LATE_ALERT_CIPHER}
 * @param sequence how many records the server has sent before under this secret
 */
export function certificateAlert(secret: Buffer, sequence: number): Buffer {
  const nonce = Buffer.from(expandLabel(secret, 'iv', 12));
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
  const cipher = createCipheriv('aes-128-gcm', expandLabel(secret, 'key', 16), nonce).setAAD(RECORD_HEADER);
  const sealed = Buffer.concat([cipher.update(Buffer.from([FATAL, UNKNOWN_CA, ALERT])), cipher.final()]);
  return Buffer.concat([RECORD_HEADER, sealed, cipher.getAuthTag()]);
}

/** HKDF-Expand-Label for up to 32 bytes and without a context (RFC 8446 §7.1). */
function expandLabel(secret: Buffer, label: string, bytes: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, bytes, full.length]), full, Buffer.from([0])]);
  return createHmac('sha256', secret)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, bytes);
}
