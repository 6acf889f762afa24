import { defineConfig } from 'vitest/config';

/** A room of tests: each has its own folder below `test/`, so that `--project` picks it. */
const room = (name: string, testTimeoutMs: number) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: testTimeoutMs, hookTimeout: testTimeoutMs },
});

export default defineConfig({
  test: {
    projects: [room('unit', 10_000), room('integration', 20_000), room('process', 30_000), room('e2e', 120_000)],
  },
});
