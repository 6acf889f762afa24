import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** An address as balancers write it, bare or with the caller's port after it (an ALB's `xff_client_port`). */
const ADDRESS = /^(?:\[([0-9a-f:.]+)\](?::\d+)?|([0-9.]+):\d+|([0-9a-f:.]+))$/i;

/**
 * The caller's address as the balancer in front of us saw it: the last item of `X-Forwarded-For`, since a caller may
 * have sent the others. Without a balancer a caller may have sent this one too.
 *
 * @returns an IP address and nothing else, so that no other text gets from this header into a log or a counter's name
 */
export function forwardedAddress({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const forwarded = headers['x-forwarded-for'];
  if (forwarded === undefined) return undefined;
  const last = forwarded.toString().split(',').at(-1)?.trim() ?? '';
  const [, bracketed, withPort, bare] = ADDRESS.exec(last) ?? [];
  const address = bracketed ?? withPort ?? bare ?? '';
  return isIP(address) === 0 ? undefined : address;
}
