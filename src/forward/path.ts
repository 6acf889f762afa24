import type { AllowedPath } from '../config.ts';

/**
 * What a path may look like, and which paths an operator lets through. A path goes out exactly as it came in or not at
 * all, so every rule here refuses and none rewrites.
 */

const MAX_PATH_BYTES = 8192;

/** `!` to `~` without `#` and the backslash. */
const LEGAL_CHARACTERS = /^[!"$-[\]-~]*$/;

/**
 * A segment `.` or `..` as any server between here and the payment API may read it: `%2f`, `%5c` and `%3b` are decoded by
 * some before they split a path, and Tomcat cuts what follows a `;` from each segment.
 */
const DOT_SEGMENT = /(?:[/;]|%2f|%5c|%3b)(?:\.|%2e){1,2}(?:[/;]|%2f|%5c|%3b|$)/i;

/** The same where a `%` was encoded again, once or more often (`%252e`): a server that decodes twice leaves the prefix. */
const NESTED_DOT_SEGMENT = /(?:[/;]|%(?:25)*(?:2f|5c|3b))(?:\.|%(?:25)*2e){1,2}(?:[/;]|%(?:25)*(?:2f|5c|3b)|$)/i;

/**
 * Says what is wrong with a path, or `undefined` if it may go out: origin-form (RFC 9112 §3.2.1), printable ASCII, no
 * dot segment (RFC 3986 §3.3) before the query.
 */
export function pathProblem(path: string): string | undefined {
  if (path.length > MAX_PATH_BYTES) return `"path" is longer than ${MAX_PATH_BYTES} bytes, its query included.`;
  if (!path.startsWith('/')) return '"path" must begin with "/". Name the host in "hostname", if at all.';
  if (path.startsWith('//')) return '"path" must begin with one "/", not two.';
  if (!LEGAL_CHARACTERS.test(path)) {
    return '"path" may hold printable ASCII only, and no space, "\\" or "#". Percent-encode everything else.';
  }
  if (DOT_SEGMENT.test(withoutQuery(path))) {
    return '"path" holds a segment "." or ".." ("%2e" counts as a dot). Send the path that it leads to.';
  }
  return undefined;
}

/**
 * Whether ALLOWED_PATHS lets a call through. The prefix `/pay` stands for `/pay` and all below it, `/pay/` only for what
 * is below, neither for `/payments`. Bytes are compared as they are: another spelling of an allowed path (`/p%61y`) is
 * not allowed, since this service does not know how the payment API reads it.
 *
 * @param path one in which {@link pathProblem} finds no fault
 */
export function isAllowedPath(method: string, path: string, allowed: readonly AllowedPath[]): boolean {
  const bare = withoutQuery(path);
  return allowed.some((entry) => (entry.method ?? method) === method && isWithin(entry.prefix, bare));
}

function isWithin(prefix: string, path: string): boolean {
  if (prefix === '/') return true;
  if (!path.startsWith(prefix) || NESTED_DOT_SEGMENT.test(path)) return false;
  return path.length === prefix.length || prefix.endsWith('/') || path[prefix.length] === '/';
}

/** The part of a path by which it is judged and logged; a query may hold personal data. */
export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}
