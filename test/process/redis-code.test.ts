import { expect, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';

/** Tells at the end how many files of node-redis were loaded; they are CommonJS, so they are in this cache. */
const COUNT = `
  import { createRequire } from 'node:module';
  const { cache } = createRequire(import.meta.url);
  process.on('exit', () => console.error(Object.keys(cache).filter((file) => file.includes('/@redis/')).length));
`;

test.each([
  ['not loaded without REDIS_URL', {}, /^0\n$/],
  ['loaded with it', { REDIS_URL: 'redis://127.0.0.1:1' }, /^[1-9]\d*\n$/],
])('the code for Redis is %s', async (_, settings, said) => {
  const env = await environmentFor({ authority: await createAuthority(), upstreamPorts: [1], settings });
  const service = await startProcess({ env, preload: COUNT });
  await service.ready();

  service.child.kill('SIGTERM');
  await service.exit;

  expect(service.stderr).toMatch(said);
});
