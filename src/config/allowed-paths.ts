import { z } from 'zod';
import { list } from './setting-types.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** One `/` first, then printable ASCII; no query, fragment, back slash, or segment of dots, since no call can have one. */
const PREFIX = /^\/(?!\/)(?!(?:.*\/)?\.{1,2}(?:\/|$))[!-~]*$/;

const entry = z.string().transform((text, context) => {
  const [first = '', second, ...rest] = text.split(/ +/);
  const prefix = second ?? first;
  if (rest.length > 0) context.addIssue('has too many parts. Write "/prefix" or "METHOD /prefix".');
  if (!PREFIX.test(prefix) || /[?#\\]/.test(prefix)) {
    context.addIssue('has a bad prefix. Begin with one "/"; no "?", "#", "\\" and no "." or ".." segment.');
  }
  if (second === undefined) return { prefix };
  const method = first.toUpperCase();
  if (!METHODS.includes(method)) context.addIssue(`has a bad method. Use one of ${METHODS.join(', ')}.`);
  return { method, prefix };
});

/** `ALLOWED_PATHS`: `/prefix` for any method, `METHOD /prefix` for one. */
export function allowedPaths() {
  return list(entry);
}
