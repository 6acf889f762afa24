import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startScript } from '../../scripts/start-script.ts';

it('npm start and PM2 give Node the same flags', () => {
  const ecosystem = readFileSync(new URL('../../ecosystem.config.js', import.meta.url), 'utf8');
  const { flags } = startScript();
  expect(flags).not.toEqual([]);
  expect(/node_args: '(.*)'/.exec(ecosystem)?.[1]?.split(' ')).toEqual(flags);
});
