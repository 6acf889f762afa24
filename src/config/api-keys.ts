import { z } from 'zod';
import { Secret } from './secret.ts';
import { list, refuseRepeated } from './setting-types.ts';

const entry = z.string().transform((text, context) => {
  const colon = text.indexOf(':');
  if (colon < 0) {
    context.addIssue('has no colon. Write "name:key".');
    return z.NEVER;
  }
  const name = text.slice(0, colon);
  const key = text.slice(colon + 1);
  if (!/^[a-z0-9-]+$/.test(name)) context.addIssue('has a bad name. Use a-z, 0-9 and hyphens.');
  if (!/^[A-Za-z0-9_-]{32,}$/.test(key)) {
    context.addIssue('has a bad key. Use at least 32 of A-Z, a-z, 0-9, _ and -; "openssl rand -hex 32" makes one.');
  }
  return { name, key: new Secret(key) };
});

/**
 * `PROXY_API_KEYS`. Neither a name nor a key may stand twice: a name in a log line then means one key, and during a
 * rotation it shows which of the two is still in use (`shop-1`, `shop-2`).
 */
export function apiKeys() {
  return list(entry)
    .superRefine(
      refuseRepeated(({ name }) => name, 'repeats a name. Give each key its own, such as shop-1 and shop-2.'),
    )
    .superRefine(refuseRepeated(({ key }) => key.reveal(), 'repeats a key. Give each name its own.'));
}
