/** The envelope: the JSON with which a caller describes one call to the payment API. */

import { ProxyError } from '../errors.ts';
import { isHeaderName, isHeaderValue } from './header-syntax.ts';
import { isEmptyObject, type Member, membersOf, skipWhiteSpace } from './json-members.ts';
import { parseJson } from './json-text.ts';
import { pathProblem } from './path.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export type Method = (typeof METHODS)[number];

export interface Envelope {
  readonly method: Method;
  /** Exactly as given. */
  readonly path: string;
  /** As given; `undefined` means the first of UPSTREAM_HOSTS. */
  readonly hostname: string | undefined;
  /** As given and in the caller's order: legal to write, each name once in any case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The very bytes to send; `undefined` means no body. It may share its memory with the bytes it was read from. */
  readonly body: Buffer | undefined;
  /** At least 1; as large as the caller likes. */
  readonly timeoutMs: number | undefined;
}

const FIELDS = ['method', 'path', 'hostname', 'headers', 'body', 'timeoutMs'] as const;

type Field = (typeof FIELDS)[number];
type Fields = Partial<Record<Field, unknown>>;
type Spans = Partial<Record<Field, Member>>;

/** Far above what a call needs; a hundred thousand of them would cost a fifth of a second, in which nobody is served. */
const MAX_HEADERS = 256;

const MAX_SHOWN_NAME_LENGTH = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Reads one envelope. The path and the body keep every byte that the caller wrote.
 *
 * @param bytes the request body of `POST /proxy`: JSON in UTF-8 (RFC 8259 §8.1), without a byte order mark
 * @throws ProxyError `invalid_json` or `invalid_request`; the message names the field and never holds a value
 */
export function parseEnvelope(bytes: Buffer): Envelope {
  const { text, value } = parseJson(bytes);
  const fields: Fields = isObject(value) ? value : refuse('The request body is not a JSON object. Send one.');
  const spans = locateFields(text, fields);
  const method = readMethod(fields.method);
  const path = readPath(fields.path);
  const hostname = readHostname(fields.hostname);
  const headers = readHeaders(fields.headers, text, spans.headers);
  const body = readBody(fields.body, text, spans.body, bytes);
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    refuse(
      `"body" cannot go with ${method}: a server that ignores it would read it as the next request. Leave it out.`,
    );
  }
  return { method, path, hostname, headers, body, timeoutMs: readTimeoutMs(fields.timeoutMs) };
}

/** Where the fields stand that are there. What `JSON.parse` hides is found here: members that stand twice. */
function locateFields(text: string, fields: Fields): Spans {
  for (const name of ['method', 'path'] as const) {
    if (fields[name] === undefined || fields[name] === null) {
      const message = `"${name}" is missing. Every call needs a "method" and a "path".`;
      throw new ProxyError('invalid_request', { title: 'Missing method or path', message });
    }
  }
  const spans: Spans = {};
  for (const member of membersOf(text, skipWhiteSpace(text, 0))) {
    const field = FIELDS.find((name) => name === member.key);
    if (field === undefined) refuse(`${quoteName(member.key)} is not a field. The fields are: ${FIELDS.join(', ')}.`);
    if (spans[field] !== undefined) refuse(`"${field}" stands twice. Send each field once.`);
    spans[field] = member;
  }
  return spans;
}

function readMethod(value: unknown): Method {
  // Letters beyond ASCII stay out of toUpperCase: it turns "\u017f" into "S".
  const upper = typeof value === 'string' && /^[A-Za-z]+$/.test(value) ? value.toUpperCase() : undefined;
  return METHODS.find((method) => method === upper) ?? refuse(`"method" must be one of ${METHODS.join(', ')}.`);
}

function readPath(value: unknown): string {
  if (typeof value !== 'string') refuse('"path" must be a string.');
  const problem = pathProblem(value);
  return problem === undefined ? value : refuse(problem);
}

function readHostname(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : refuse('"hostname" must be a string: one of UPSTREAM_HOSTS.');
}

function readHeaders(value: unknown, text: string, span: Member | undefined): Envelope['headers'] {
  if (value === undefined || value === null || span === undefined) return [];
  if (!isObject(value)) refuse('"headers" must be an object of names and values.');
  const headers: [string, string][] = [];
  const seen = new Set<string>();
  for (const { key: name, start, end } of membersOf(text, span.start)) {
    if (headers.length === MAX_HEADERS) refuse(`"headers" holds more than ${MAX_HEADERS} headers. Send fewer.`);
    if (!isHeaderName(name)) refuse(`"headers": ${quoteName(name)} is not a legal header name.`);
    const lower = name.toLowerCase();
    if (seen.has(lower)) refuse(`"headers": ${quoteName(name)} stands twice; upper and lower case make no difference.`);
    seen.add(lower);
    const given = value[name];
    if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean') {
      refuse(`"headers": the value of ${quoteName(name)} must be a string, a number or a boolean.`);
    }
    const header = typeof given === 'string' ? given : text.slice(start, end);
    if (!isHeaderValue(header)) {
      refuse(`"headers": the value of ${quoteName(name)} holds a control character or one outside Latin-1.`);
    }
    headers.push([name, header]);
  }
  return headers;
}

function readBody(value: unknown, text: string, span: Member | undefined, bytes: Buffer): Buffer | undefined {
  if (value === undefined || value === null || value === '' || span === undefined) return undefined;
  if (typeof value === 'string') {
    if (LONE_SURROGATE.test(value)) refuse('"body" holds half of a surrogate pair, which has no form in UTF-8.');
    return Buffer.from(value, 'utf8');
  }
  if (typeof value !== 'object') refuse('"body" must be an object, an array or a string.');
  if (isObject(value) && isEmptyObject(text, span.start)) return undefined;
  // As many bytes as characters means ASCII: the body's place in the text is its place in the bytes.
  if (text.length === bytes.length) return bytes.subarray(span.start, span.end);
  return Buffer.from(text.slice(span.start, span.end), 'utf8');
}

function readTimeoutMs(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  return refuse('"timeoutMs" must be a whole number of milliseconds, 1 or more.');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A caller's own name, safe to show: printable ASCII and short, since anything may have been pasted into its place. */
function quoteName(name: string): string {
  if (!/^[\x20-\x7e]*$/.test(name)) return 'a name with other characters than printable ASCII';
  if (name.length <= MAX_SHOWN_NAME_LENGTH) return JSON.stringify(name);
  return `${JSON.stringify(name.slice(0, MAX_SHOWN_NAME_LENGTH))}…`;
}

function refuse(message: string): never {
  throw new ProxyError('invalid_request', { message });
}
