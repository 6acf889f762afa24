import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../config/secret.ts';
import { faulty, type Judgement } from './judgement.ts';
import { type PemBlock, pemBlocks } from './pem.ts';

/** What TLS can sign with (RFC 8446 §4.2.3); DSA, for one, is gone. */
const SIGNING_TYPES: readonly (string | undefined)[] = ['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448'];

/**
 * Reads the one private key of a PEM text: PKCS#8, PKCS#1 or EC (SEC 1), encrypted or not.
 *
 * @param pem what stands in it besides the key (certificates, EC parameters) is left alone
 */
export function judgePrivateKey(pem: string, passphrase: Secret | undefined): Judgement<KeyObject> {
  const blocks = pemBlocks(pem);
  const [block, ...more] = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) return faulty(faultOfKind(blocks));
  if (more.length > 0) return faulty('this holds several private keys. Leave only the right one.');
  if (block.label === 'OPENSSH PRIVATE KEY') {
    return faulty('this is a key for SSH. Put the key here that the certificate was requested with.');
  }
  const encrypted = isEncrypted(block);
  if (encrypted && passphrase === undefined) {
    return faulty('this key is encrypted. Set TOSS_PRIVATE_KEY_PASSPHRASE.');
  }
  try {
    const key = createPrivateKey({ key: block.text, ...(passphrase && { passphrase: passphrase.reveal() }) });
    return SIGNING_TYPES.includes(key.asymmetricKeyType)
      ? { value: key, ...faulty() }
      : faulty('TLS cannot use a key of this type. It takes RSA, EC, Ed25519 and Ed448 keys.');
  } catch (error) {
    return faulty(encrypted ? faultOfDecryption(error) : 'this private key is damaged. Copy it again from its source.');
  }
}

function faultOfKind(blocks: readonly PemBlock[]): string {
  if (blocks.some(({ label }) => label === 'CERTIFICATE')) {
    return 'this holds a certificate, but the private key belongs here. Put the key here.';
  }
  if (blocks.some(({ label }) => label.endsWith('PUBLIC KEY'))) {
    return 'this holds a public key, but the private key belongs here. Put the private key here.';
  }
  return 'this holds no private key. Put a PEM here that begins with "-----BEGIN PRIVATE KEY-----".';
}

/** PKCS#8 says it in its label (RFC 7468 §11), the older formats in a header (RFC 1421 §4.6.1.1). */
function isEncrypted({ label, text }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || text.includes('Proc-Type: 4,ENCRYPTED');
}

function faultOfDecryption(error: unknown): string {
  const outdated = error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_EVP_UNSUPPORTED';
  return outdated
    ? 'this key is encrypted with a cipher that OpenSSL has given up. Convert it with "openssl pkcs8 -topk8".'
    : 'this key does not open with TOSS_PRIVATE_KEY_PASSPHRASE. Mend the passphrase, or the key if it is damaged.';
}
