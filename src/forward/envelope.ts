/** The envelope: the JSON with which a caller describes one call to the payment API. */

import { ProxyError } from '../errors.ts';
import { isHeaderName, isHeaderValue } from './header-syntax.ts';
import {
  isContainer,
  isEmptyObject,
  isNull,
  isString,
  type Member,
  membersAt,
  parseMembers,
  textAt,
  valueAt,
} from './json.ts';
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
/** Where the fields stand that are there; one that is `null` counts as absent. */
type Fields = { readonly [field in Field]?: Member };

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
  const members = parseMembers(bytes) ?? refuse('The request body is not a JSON object. Send one.');
  const fields = locateFields(bytes, members);
  const value = (field: Field) => fields[field] && valueAt(bytes, fields[field]);
  const method = readMethod(value('method'));
  const path = readPath(value('path'));
  const hostname = readHostname(value('hostname'));
  const headers = readHeaders(bytes, fields.headers);
  const body = readBody(bytes, fields.body);
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    refuse(
      `"body" cannot go with ${method}: a server that ignores it would read it as the next request. Leave it out.`,
    );
  }
  return { method, path, hostname, headers, body, timeoutMs: readTimeoutMs(value('timeoutMs')) };
}

/** A missing method or path is told first: whoever sends something else altogether is best served by that. */
function locateFields(bytes: Buffer, members: readonly Member[]): Fields {
  const fields: { [field in Field]?: Member } = {};
  const seen = new Set<Field>();
  let problem: string | undefined;
  for (const member of members) {
    const field = FIELDS.find((name) => name === member.name);
    if (field === undefined) {
      problem ??= `${quoteName(member.name)} is not a field. The fields are: ${FIELDS.join(', ')}.`;
      continue;
    }
    if (seen.has(field)) problem ??= `"${field}" stands twice. Send each field once.`;
    else if (!isNull(bytes, member)) fields[field] = member;
    seen.add(field);
  }
  for (const name of ['method', 'path'] as const) {
    if (fields[name] === undefined) {
      const message = `"${name}" is missing. Every call needs a "method" and a "path".`;
      throw new ProxyError('invalid_request', { title: 'Missing method or path', message });
    }
  }
  if (problem !== undefined) refuse(problem);
  return fields;
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
  if (value === undefined || typeof value === 'string') return value;
  return refuse('"hostname" must be a string: one of UPSTREAM_HOSTS.');
}

function readHeaders(bytes: Buffer, field: Member | undefined): Envelope['headers'] {
  if (field === undefined) return [];
  const members = membersAt(bytes, field.start) ?? refuse('"headers" must be an object of names and values.');
  if (members.length > MAX_HEADERS) refuse(`"headers" holds more than ${MAX_HEADERS} headers. Send fewer.`);
  const headers: [string, string][] = [];
  const seen = new Set<string>();
  for (const member of members) {
    const { name } = member;
    if (!isHeaderName(name)) refuse(`"headers": ${quoteName(name)} is not a legal header name.`);
    const lower = name.toLowerCase();
    if (seen.has(lower)) refuse(`"headers": ${quoteName(name)} stands twice; upper and lower case make no difference.`);
    seen.add(lower);
    if (isNull(bytes, member) || isContainer(bytes, member)) {
      refuse(`"headers": the value of ${quoteName(name)} must be a string, a number or a boolean.`);
    }
    const header = isString(bytes, member) ? String(valueAt(bytes, member)) : textAt(bytes, member);
    if (!isHeaderValue(header)) {
      refuse(`"headers": the value of ${quoteName(name)} holds a control character or one outside Latin-1.`);
    }
    headers.push([name, header]);
  }
  return headers;
}

function readBody(bytes: Buffer, field: Member | undefined): Buffer | undefined {
  if (field === undefined) return undefined;
  if (isString(bytes, field)) {
    const text = String(valueAt(bytes, field));
    if (LONE_SURROGATE.test(text)) refuse('"body" holds half of a surrogate pair, which has no form in UTF-8.');
    return text === '' ? undefined : Buffer.from(text, 'utf8');
  }
  if (!isContainer(bytes, field)) refuse('"body" must be an object, an array or a string.');
  return isEmptyObject(bytes, field) ? undefined : bytes.subarray(field.start, field.end);
}

function readTimeoutMs(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  return refuse('"timeoutMs" must be a whole number of milliseconds, 1 or more.');
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
