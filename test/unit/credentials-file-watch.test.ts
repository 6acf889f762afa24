import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileWatch, fileStates } from '../../src/credentials/file-watch.ts';

const INTERVAL_MS = 2_000;
const STILL_MS = 1_000;

let directory: string;
let watch: FileWatch;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-watch-'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  watch.stop();
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

const at = (...names: readonly string[]) => join(directory, ...names);

/** Watches these files of the directory. Changes that are told are counted. */
async function startWatch(...names: readonly string[]) {
  const told = { changes: 0 };
  const known = await fileStates(names.map((name) => at(name)));
  watch = new FileWatch(known, () => {
    told.changes += 1;
  });
  watch.start();
  return told;
}

/** Lets so much time pass, and waits until the files have been looked at, if they are looked at in it. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  while (vi.getTimerCount() === 0) await turn();
}

/** The longest that a change may take to be told. */
async function passOne(): Promise<void> {
  await pass(INTERVAL_MS);
  await pass(STILL_MS);
}

describe('FileWatch', () => {
  it('tells that a file was written anew, replaced, removed or made', async () => {
    await writeFile(at('file'), 'one');
    const told = await startWatch('file');
    const steps = [
      () => writeFile(at('file'), 'another'),
      async () => {
        await writeFile(at('other'), 'another');
        await rename(at('other'), at('file'));
      },
      () => unlink(at('file')),
      () => writeFile(at('file'), 'another'),
      // A copy that keeps its times, over a file of the same size.
      () => utimes(at('file'), 1, 1),
    ];
    for (const [index, step] of steps.entries()) {
      await step();
      await passOne();
      expect(told.changes).toBe(index + 1);
      await pass(INTERVAL_MS);
      await pass(INTERVAL_MS);
    }
    expect(told.changes).toBe(steps.length);
  });

  it('tells it through symbolic links that are renamed, as Kubernetes does it', async () => {
    for (const version of ['1', '2']) {
      await mkdir(at(version));
      await writeFile(at(version, 'tls.crt'), 'same');
    }
    await symlink('1', at('..data'));
    await symlink('..data/tls.crt', at('tls.crt'));
    const told = await startWatch('tls.crt');
    await symlink('2', at('..data_tmp'));
    await rename(at('..data_tmp'), at('..data'));
    await passOne();
    expect(told.changes).toBe(1);
  });

  it('tells a pair that is renewed file by file once, when both have been still for a second', async () => {
    await writeFile(at('tls.crt'), 'one');
    await writeFile(at('tls.key'), 'one');
    const told = await startWatch('tls.crt', 'tls.key');
    await writeFile(at('tls.crt'), 'another');
    await pass(INTERVAL_MS);
    for (const content of ['', 'half', 'whole key']) {
      await writeFile(at('tls.key'), content);
      await pass(STILL_MS);
      expect(told.changes).toBe(0);
    }
    await pass(STILL_MS - 1);
    expect(told.changes).toBe(0);
    await pass(1);
    expect(told.changes).toBe(1);
  });

  it('tells nothing when a change is taken back at once', async () => {
    await symlink('1', at('link'));
    await writeFile(at('1'), 'one');
    await writeFile(at('2'), 'two');
    const told = await startWatch('link');
    for (const target of ['2', '1']) {
      await symlink(target, at('next'));
      await rename(at('next'), at('link'));
      await pass(INTERVAL_MS);
    }
    await passOne();
    expect(told.changes).toBe(0);
  });

  it('tells nothing of files that are only read, and of pipes, which cannot be read twice', async () => {
    await writeFile(at('file'), 'one');
    execFileSync('mkfifo', [at('pipe')]);
    const told = await startWatch('file', 'pipe', 'missing');
    await utimes(at('pipe'), 1, 1);
    execFileSync('cat', [at('file')]);
    await passOne();
    expect(told.changes).toBe(0);
  });

  it('follows other files from the moment that it is told to, also in the middle of a change', async () => {
    await writeFile(at('old'), 'one');
    await writeFile(at('new'), 'one');
    const told = await startWatch('old');
    await writeFile(at('old'), 'another');
    await pass(INTERVAL_MS);
    watch.follow(await fileStates([at('new')]));
    await passOne();
    expect(told.changes).toBe(0);
    await writeFile(at('new'), 'another');
    await passOne();
    expect(told.changes).toBe(1);
  });

  it('forgets what it is just looking at when it is told to follow others', async () => {
    await writeFile(at('new'), 'one');
    const told = await startWatch('old');
    await writeFile(at('old'), 'one');
    await pass(INTERVAL_MS);
    const others = await fileStates([at('new')]);
    vi.advanceTimersByTime(STILL_MS);
    watch.follow(others);
    await pass(0);
    expect(told.changes).toBe(0);
    await writeFile(at('new'), 'another');
    await passOne();
    expect(told.changes).toBe(1);
  });

  it('looks at nothing once it is stopped, also if that happens while it looks', async () => {
    const told = await startWatch('file');
    await writeFile(at('file'), 'one');
    await pass(INTERVAL_MS);
    vi.advanceTimersByTime(STILL_MS);
    watch.stop();
    await fileStates([at('file')]);
    await turn();
    expect(vi.getTimerCount()).toBe(0);
    expect(told.changes).toBe(0);
  });
});
