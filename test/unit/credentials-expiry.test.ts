import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { type Credentials, loadCredentials } from '../../src/credentials/credentials.ts';
import { credentialSources } from '../../src/credentials/source.ts';
import { ExpiryWatch } from '../../src/observe/expiry.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = DAY_MS / 24;
const NOW = new Date('2030-01-01T00:00:00Z');

const authority = await createAuthority({ notAfter: new Date('2040-01-01T00:00:00Z') });

async function endingIn(leftMs: number): Promise<Credentials> {
  const { certPem, keyPem } = await authority.issue({
    notBefore: new Date('2029-01-01T00:00:00Z'),
    notAfter: new Date(NOW.getTime() + leftMs),
  });
  const sources = credentialSources({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem });
  return (await loadCredentials(sources, new Date('2029-06-01T00:00:00Z'))).credentials;
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Everything that is said, as `level: text`. */
function startWatch(credentials: () => Credentials) {
  const said: string[] = [];
  const lines: unknown[] = [];
  const log = pino(
    { base: null },
    {
      write: (text: string) => {
        const line = JSON.parse(text);
        lines.push(line);
        said.push(`${pino.levels.labels[line.level]}: ${line.msg}`);
      },
    },
  );
  const watch = new ExpiryWatch(credentials, log);
  watch.start();
  return { watch, said, lines };
}

const warned = (days: number) => `warn: the client certificate ends in ${days} days: renew it`;
const urged = (days: number) => `error: the client certificate ends in ${days} days: renew it`;

describe('ExpiryWatch', () => {
  it('warns at start and daily from 30 days before the end, and raises its voice in the last week', async () => {
    const credentials = await endingIn(30 * DAY_MS);
    const { said, lines } = startWatch(() => credentials);
    expect(said).toEqual([warned(30)]);
    const { subject, fingerprint } = credentials;
    expect(lines[0]).toMatchObject({ subject, fingerprint, notAfter: '2030-01-31T00:00:00.000Z', daysLeft: 30 });
    vi.advanceTimersByTime(3 * DAY_MS);
    expect(said).toEqual([warned(30), warned(29), warned(28), warned(27)]);
    vi.advanceTimersByTime(20 * DAY_MS);
    expect(said.slice(-3)).toEqual([warned(9), warned(8), urged(7)]);
    vi.advanceTimersByTime(5 * DAY_MS);
    expect(said.slice(-2)).toEqual([urged(3), urged(2)]);
    vi.advanceTimersByTime(DAY_MS);
    expect(said.at(-1)).toBe('error: the client certificate ends in 1 day: renew it');
    vi.advanceTimersByTime(DAY_MS - 1);
    expect(said.at(-1)).toBe('error: the client certificate ends in 1 day: renew it');
    vi.advanceTimersByTime(1);
    expect(said.at(-1)).toBe('error: the client certificate ends within a day: renew it now');
  });

  it('says at the very moment that the certificate has ended, and daily from then on', async () => {
    const credentials = await endingIn(5 * HOUR_MS);
    const { said } = startWatch(() => credentials);
    expect(said).toEqual(['error: the client certificate ends within a day: renew it now']);
    vi.advanceTimersByTime(5 * HOUR_MS);
    expect(said).toHaveLength(1);
    vi.advanceTimersByTime(1);
    const ended = 'error: the client certificate has ended: payments fail until it is renewed';
    expect(said.slice(1)).toEqual([ended]);
    vi.advanceTimersByTime(2 * DAY_MS);
    expect(said.slice(1)).toEqual([ended, ended, ended]);
  });

  it('is silent for the year before, although timers take 24.8 days at most', async () => {
    const credentials = await endingIn(390 * DAY_MS + HOUR_MS);
    const { said } = startWatch(() => credentials);
    vi.advanceTimersByTime(360 * DAY_MS);
    expect(said).toEqual([]);
    expect(vi.getTimerCount()).toBe(1);
    // Not at the next daily look, which is 23 hours later.
    vi.advanceTimersByTime(HOUR_MS);
    expect(said).toEqual([warned(30)]);
  });

  it('looks at the new certificate after a reload, and at nothing after its end', async () => {
    let credentials = await endingIn(10 * DAY_MS);
    const { watch, said } = startWatch(() => credentials);
    credentials = await endingIn(20 * DAY_MS);
    watch.start();
    expect(said).toEqual([warned(10), warned(20)]);
    vi.advanceTimersByTime(DAY_MS);
    expect(said.slice(2)).toEqual([warned(19)]);
    watch.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
