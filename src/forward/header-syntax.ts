/** What Node writes as a header without throwing, and nothing that could end the line or start another header. */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ILLEGAL_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Whether this is a field name: a token (RFC 9110 §5.1, §5.6.2). */
export function isHeaderName(name: string): boolean {
  return NAME.test(name);
}

/** Whether this is a field value: tab, visible ASCII, space and the upper half of Latin-1 (RFC 9110 §5.5). */
export function isHeaderValue(value: string): boolean {
  return !ILLEGAL_IN_VALUE.test(value);
}
