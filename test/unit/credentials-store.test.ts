import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import type { Environment } from '../../src/config/environment.ts';
import { CredentialStore, type Keys, type LoadedKeys, type Reload, type Trial } from '../../src/credentials/store.ts';
import { readInputs } from '../../src/inputs.ts';

const authority = await createAuthority();
const [first, second] = await Promise.all([authority.issue({ commonName: 'first' }), authority.issue()]);
const API_KEYS = `shop:${'k'.repeat(40)}`;

function keysOf({ certPem, keyPem } = first, more: Environment = {}): Promise<LoadedKeys> {
  return readInputs({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem, ...more }, new Date());
}

interface Script {
  readonly load: () => Promise<LoadedKeys>;
  readonly trial?: Trial;
}

async function open({ load, trial = { problems: [], warnings: [] } }: Script) {
  const tried: string[] = [];
  const changes: (readonly [Keys, Keys])[] = [];
  const ended: Reload[] = [];
  const store = new CredentialStore(await keysOf(), {
    load,
    attempt: async (next, current) => {
      tried.push(`${next.subject} instead of ${current.subject}`);
      return trial;
    },
    onChange: (next, previous) => changes.push([next, previous]),
    onEnd: (reload) => ended.push(reload),
  });
  return { store, tried, changes, ended };
}

describe('CredentialStore', () => {
  it('takes a new pair once it has been tried', async () => {
    const { store, tried, changes, ended } = await open({ load: () => keysOf(second) });
    const before = store.current;
    const reload = await store.reload();
    expect(reload).toMatchObject({ result: 'ok', problems: [], warnings: [], at: expect.any(Date) });
    expect(tried).toEqual(['CN=client instead of CN=first']);
    expect(store.current.credentials.subject).toBe('CN=client');
    expect(changes).toEqual([[store.current, before]]);
    expect(ended).toEqual([reload]);
    expect(store.lastReload).toBe(reload);
  });

  it('keeps the same object for credentials that have not changed, and tries nothing', async () => {
    const { store, tried, changes } = await open({ load: () => keysOf() });
    const before = store.current.credentials;
    expect(await store.reload()).toMatchObject({ result: 'unchanged', problems: [] });
    expect(store.current.credentials).toBe(before);
    expect([tried, changes]).toEqual([[], []]);
  });

  it.each([
    ['another key for the same name', `shop:${'n'.repeat(40)}`],
    ['another name for the same key', `shop-2:${'k'.repeat(40)}`],
    ['one more key', `${API_KEYS},shop-2:${'n'.repeat(40)}`],
  ])('takes API keys alone: %s', async (_, PROXY_API_KEYS) => {
    let env: Environment = { PROXY_API_KEYS: API_KEYS };
    const { store, tried, changes } = await open({ load: () => keysOf(first, env) });
    expect((await store.reload()).result).toBe('ok');
    const before = store.current;
    expect((await store.reload()).result).toBe('unchanged');
    env = { PROXY_API_KEYS };
    expect((await store.reload()).result).toBe('ok');
    expect(changes.at(-1)).toEqual([store.current, before]);
    expect(store.current.credentials).toBe(before.credentials);
    expect(tried).toEqual([]);
  });

  it('knows a changed CA from an unchanged one', async () => {
    const UPSTREAM_CA_B64 = Buffer.from(authority.certPem).toString('base64');
    const { store, tried } = await open({ load: () => keysOf(first, { UPSTREAM_CA_B64 }) });
    expect((await store.reload()).result).toBe('ok');
    expect((await store.reload()).result).toBe('unchanged');
    expect(tried).toHaveLength(1);
  });

  it.each([
    ['the pair is bad', () => Promise.reject(new ConfigError(['A: one.', 'B: two.'])), ['A: one.', 'B: two.']],
    ['nobody expected it', () => Promise.reject(new TypeError('secret')), ['The reload met a bug: see the log.']],
  ])('keeps the old keys when %s', async (_, load, problems) => {
    const { store, tried, changes } = await open({ load });
    const before = store.current;
    expect(await store.reload()).toMatchObject({ result: 'failed', problems });
    expect(store.current).toBe(before);
    expect([tried, changes]).toEqual([[], []]);
  });

  it('keeps the old keys when the new ones fail their trial', async () => {
    const trial = { problems: ['refused'], warnings: ['odd'] };
    const { store, changes } = await open({ load: () => keysOf(second, { PROXY_API_KEYS: API_KEYS }), trial });
    const before = store.current;
    expect(await store.reload()).toMatchObject({ result: 'failed', ...trial });
    expect(store.current).toBe(before);
    expect(changes).toEqual([]);
  });

  it('runs one reload at a time, and one more for all who ask meanwhile', async () => {
    let running = 0;
    let most = 0;
    let loads = 0;
    const { store, ended } = await open({
      load: async () => {
        running += 1;
        most = Math.max(most, running);
        loads += 1;
        const keys = await keysOf(loads === 1 ? first : second);
        running -= 1;
        return keys;
      },
    });
    const early = store.reload();
    await Promise.resolve();
    const late = [store.reload(), store.reload(), store.reload()];
    expect((await early).result).toBe('unchanged');
    expect(new Set(await Promise.all(late)).size).toBe(1);
    expect(store.lastReload).toMatchObject({ result: 'ok' });
    expect([loads, most, ended.length]).toEqual([2, 1, 2]);
    await store.reload();
    expect(loads).toBe(3);
  });
});
