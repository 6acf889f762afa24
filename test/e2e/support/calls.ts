import type { Received } from '../../support/caller.ts';

/** How often each ending of a call was met, such as `{ 'answered 200': 199, 'unknown upstream_reset': 1 }`. */
export type Tally = Readonly<Record<string, number>>;

/** What became of a call: its outcome, and the error's code or else the status. */
export function endingOf({ status, headers, body }: Received): string {
  const isOurs = String(headers['proxy-status']).includes('error=');
  return `${headers['proxy-outcome']} ${isOurs ? JSON.parse(body.toString()).code : status}`;
}

/** Makes so many calls, of them so many at once, and counts their endings. */
export async function tally(calls: number, atOnce: number, call: () => Promise<Received>): Promise<Tally> {
  const counts: Record<string, number> = {};
  let begun = 0;
  const oneAfterAnother = async () => {
    while (begun < calls) {
      begun += 1;
      const ending = endingOf(await call());
      counts[ending] = (counts[ending] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, oneAfterAnother));
  return counts;
}
