import { defineConfig } from 'vitest/config';

/**
 * A room of tests: each has its own folder below `test/`, so that `--project` picks it. Where tests share nothing but modules,
 * files need no isolation, which would load them anew for each of a hundred files.
 */
const room = (name: string, testTimeoutMs: number, isolate = true) => ({
  extends: true as const,
  test: {
    name,
    isolate,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: testTimeoutMs,
    hookTimeout: testTimeoutMs,
  },
});

export default defineConfig({
  test: {
    projects: [
      room('unit', 10_000, false),
      room('integration', 20_000, false),
      room('process', 30_000),
      room('e2e', 120_000),
    ],
  },
});
