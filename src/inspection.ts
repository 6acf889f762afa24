const ignore = (): void => undefined;

/**
 * Keeps others from looking into this process. On SIGUSR1 Node would open its inspector, and with it the private key,
 * to every user of this machine; log rotation is known to send that signal by mistake. A diagnostic report, where one is
 * asked for (`--report-on-signal` and the like), would print the environment; where Node cannot leave that out (before
 * 22.13), there is no report.
 */
export function refuseInspection(): void {
  process.on('SIGUSR1', ignore);
  const { report } = process;
  // Node's types know of no Node without it.
  const canLeaveOutEnvironment: boolean = 'excludeEnv' in report;
  if (canLeaveOutEnvironment) {
    report.excludeEnv = true;
    return;
  }
  report.reportOnSignal = false;
  report.reportOnFatalError = false;
  report.reportOnUncaughtException = false;
  // Without a listener its signal would end the process.
  process.on(report.signal, ignore);
}
