import { spawn } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g;

/**
 * Takes a PKCS#12 file apart with the `openssl` command: Node can use such a file, but gives nothing of it out.
 *
 * @returns PEM texts: the certificates with the leaf first, and the key without a passphrase
 */
export async function readPkcs12(file: string, passphrase: string): Promise<{ certificates: string; key: string }> {
  // Files of old consoles are encrypted in a way that OpenSSL 3 reads only when told to.
  const pem = (await openssl(file, passphrase, [])) ?? (await openssl(file, passphrase, ['-legacy']));
  if (pem === undefined) throw new Error('openssl cannot read this file: is the passphrase right, and is it PKCS#12?');
  const blocks = [...pem.matchAll(PEM_BLOCK)];
  const ofKind = (kind: string) => blocks.flatMap(([text, label = '']) => (label.endsWith(kind) ? [text] : []));
  const [key = ''] = ofKind('PRIVATE KEY');
  return { certificates: chainOf(ofKind('CERTIFICATE'), key).join(''), key };
}

/** A PKCS#12 file has its certificates in any order: the key's own comes first, then each one's issuer (RFC 8446 §4.4.2). */
function chainOf(pems: readonly string[], key: string): readonly string[] {
  if (key === '') throw new Error('This file has no private key in it. Export it again, with the key.');
  const privateKey = createPrivateKey(key);
  const rest = pems.map((pem) => new X509Certificate(pem));
  const chain: X509Certificate[] = [];
  let next = rest.findIndex((certificate) => certificate.checkPrivateKey(privateKey));
  while (next !== -1) {
    chain.push(...rest.splice(next, 1));
    next = rest.findIndex((certificate) => chain.at(-1)?.checkIssued(certificate));
  }
  return chain.map(String);
}

async function openssl(file: string, passphrase: string, flags: readonly string[]): Promise<string | undefined> {
  // Through the environment, which other users cannot see as they can see arguments.
  const child = spawn('openssl', ['pkcs12', '-in', file, '-nodes', '-passin', 'env:PASSPHRASE', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, PASSPHRASE: passphrase },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  return code === 0 ? Buffer.concat(chunks).toString() : undefined;
}
