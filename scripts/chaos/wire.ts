/** How a payment API writes an answer down (RFC 9112); pure. */
import type { PlannedAnswer } from './answers.ts';
import type { Random } from './random.ts';

/** How the end of the body is told: by its length, by chunks, or by the end of the connection. */
export type Framing = 'length' | 'chunks' | 'close';

interface Written {
  readonly head: Buffer;
  /** With its framing; empty for HEAD, 204 and 304. */
  readonly body: Buffer;
}

/** @param extra headers for this connection only, which the service must not pass on */
export function write(
  answer: PlannedAnswer,
  method: string,
  framing: Framing,
  random: Random,
  extra: readonly (readonly [string, string])[] = [],
): Written {
  const { status, headers, body } = answer;
  const isBodiless = status === 204 || status === 304;
  const lines = [...headers, ...extra];
  if (framing === 'length' && !isBodiless) lines.push(['Content-Length', String(body.length)]);
  if (framing === 'chunks' && !isBodiless) lines.push(['Transfer-Encoding', 'chunked']);
  const head = Buffer.from(
    `HTTP/1.1 ${status} Whatever\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    'latin1',
  );
  if (isBodiless || method === 'HEAD') return { head, body: Buffer.alloc(0) };
  return { head, body: framing === 'chunks' ? chunked(body, random) : body };
}

/** Odd chunks, some with an extension, some with leading zeros; now and then a trailer (RFC 9112 §7.1). */
function chunked(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = [];
  for (const piece of cut(body, random.between(1, 12), random)) {
    const zeros = random.chance(0.2) ? '00' : '';
    const extension = random.chance(0.2) ? ';name="a;b"' : '';
    parts.push(Buffer.from(`${zeros}${piece.length.toString(16)}${extension}\r\n`), piece, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from(random.chance(0.3) ? '0\r\nX-Trailer: 1\r\n\r\n' : '0\r\n\r\n'));
  return Buffer.concat(parts);
}

/** The same bytes in at most so many pieces, none of them empty. */
export function cut(bytes: Buffer, most: number, random: Random): Buffer[] {
  const places = Array.from({ length: most - 1 }, () => random.between(0, bytes.length)).sort((a, b) => a - b);
  const pieces = [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length));
  return pieces.filter(({ length }) => length > 0);
}
