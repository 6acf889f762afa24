import { onTestFinished, vi } from 'vitest';

/**
 * Stops the clock by which connections grow old and timers run, until the test ends. Sockets go on as ever.
 *
 * @returns moves it on
 */
export function stopClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  return (ms) => vi.advanceTimersByTime(ms);
}
