import { isAscii, isUtf8 } from 'node:buffer';
import { ProxyError } from '../errors.ts';

/** A JSON text and the value that it stands for. */
export interface JsonText {
  readonly text: string;
  readonly value: unknown;
}

/**
 * Decodes and parses JSON, strictly: where a bad byte would become U+FFFD, it is refused, and so is a byte order mark.
 *
 * @param bytes JSON in UTF-8 (RFC 8259 §8.1)
 * @throws ProxyError `invalid_json`
 */
export function parseJson(bytes: Buffer): JsonText {
  const text = decodeUtf8(bytes);
  try {
    return { text, value: JSON.parse(text) };
  } catch {
    // The parser's own error cites the text, so it is not even kept as the cause.
    throw new ProxyError('invalid_json');
  }
}

function decodeUtf8(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new ProxyError('invalid_json', { message: 'The request body is not valid UTF-8. Send JSON in UTF-8.' });
}
