import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each(['sandbox', 'chaos', 'fuzz', 'soak', 'bench'])(
  '%s says how it is called, without a stack',
  (script) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', `scripts/${script}.ts`, '--nonsense'],
      { encoding: 'utf8' },
    );

    expect(stderr.split('\n')).toEqual([
      "Unknown option '--nonsense'",
      expect.stringMatching(new RegExp(`^Usage: npm run ${script} -- \\[--`)),
      '',
    ]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  },
  60_000,
);
