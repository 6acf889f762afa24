/** Reads the payment API's bytes as RFC 9112 has it: what this does not read as an answer must never be told as one. */
import {
  type Headers,
  LAX,
  readChunks,
  readExactly,
  readHeaders,
  readLine,
  STRICT,
  type Step,
} from './strict-syntax.ts';

export interface StrictAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Whether it tells where it ends; otherwise the connection's end is the answer's, or a cut. */
  readonly hasOwnEnd: boolean;
  /** Whether more bytes follow, which nobody has asked for. */
  readonly hasSurplus: boolean;
}

const GRAMMARS = {
  strict: {
    ...STRICT,
    start: /^/,
    statusLine: /^HTTP\/1\.[01] (\d{3}) ([\t -~]*)$/,
    mostFields: 1,
    chunked: /^chunked$/i,
    /** Node (22 to 26) reads nothing behind an interim answer that says `Connection: close`. */
    interimFields: false,
  },
  /** What an answer's end does not hang on: empty lines before it, its version and reason, a length that is said twice. */
  lax: {
    ...LAX,
    start: /^[\r\n]*/,
    statusLine: /^HTTP\/\d\.\d +(\d{1,3})(?: .*)?$/,
    mostFields: Number.POSITIVE_INFINITY,
    /** `identity` is no coding at all, and once was one. */
    chunked: /^(?:[ \t]*(?:identity|chunked)[ \t]*,)*[ \t]*chunked[ \t]*$/i,
    interimFields: true,
  },
};

/** They speak of the connection or of a body, and an interim answer has neither to speak of. */
const CONNECTION_FIELDS = ['connection', 'content-length', 'transfer-encoding'];

type Grammar = (typeof GRAMMARS)['strict' | 'lax'];

/**
 * The final answer that these bytes begin with; interim ones are passed over (RFC 9110 §15.2).
 *
 * @param method of the request, which decides whether there is a body (RFC 9112 §6.3)
 * @param strictness `strict` for what must be told as an answer, `lax` for what may be told as one at most
 * @returns `half` if the rest is missing, `deviation` if they are against the rules
 */
export function readAnswer(
  bytes: Buffer,
  method: string,
  strictness: keyof typeof GRAMMARS,
): StrictAnswer | 'half' | 'deviation' {
  const grammar = GRAMMARS[strictness];
  const text = bytes.toString('latin1');
  for (let at = 0; ; ) {
    const line = readLine(text, at + (grammar.start.exec(text.slice(at))?.[0].length ?? 0));
    if (typeof line === 'string') return line;
    const status = Number(grammar.statusLine.exec(line.value)?.[1]);
    if (!(status >= 100 && status < 600) || status === 101) return 'deviation';
    const head = readHeaders(text, line.end, grammar);
    if (typeof head === 'string') return head;
    at = head.end;
    if (status < 200) {
      if (!grammar.interimFields && CONNECTION_FIELDS.some((name) => head.value.has(name))) return 'deviation';
      continue;
    }
    const isBodiless = method === 'HEAD' || status === 204 || status === 304;
    const framing = framingOf(head.value, grammar);
    if (framing === undefined) return 'deviation';
    const body = isBodiless ? { value: '', end: at } : readBody(text, at, framing, grammar);
    if (typeof body === 'string') return body;
    return {
      status,
      body: Buffer.from(body.value, 'latin1'),
      hasOwnEnd: isBodiless || framing !== 'close',
      hasSurplus: body.end < text.length,
    };
  }
}

function framingOf(headers: Headers, grammar: Grammar): number | 'chunked' | 'close' | undefined {
  const codings = headers.get('transfer-encoding') ?? [];
  const lengths = headers.get('content-length') ?? [];
  if (codings.length > grammar.mostFields || lengths.length > grammar.mostFields) return undefined;
  if (codings.length > 0 && lengths.length > 0) return undefined;
  if (codings.length > 0) return grammar.chunked.test(codings.join()) ? 'chunked' : undefined;
  const [length] = lengths;
  if (length === undefined) return 'close';
  return /^\d{1,15}$/.test(length) && lengths.every((other) => other === length) ? Number(length) : undefined;
}

function readBody(text: string, start: number, framing: number | 'chunked' | 'close', grammar: Grammar): Step<string> {
  if (framing === 'close') return { value: text.slice(start), end: text.length };
  return framing === 'chunked' ? readChunks(text, start, grammar) : readExactly(text, start, framing);
}
