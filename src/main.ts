/** The process: settings, credentials, service; signals and exit codes. */

import { readFileSync } from 'node:fs';
import { ConfigError, withAllProblems } from './config/config-error.ts';
import { readEnvironment } from './config/environment.ts';
import { loadConfig } from './config.ts';
import { loadCredentials } from './credentials/credentials.ts';
import { credentialSources } from './credentials/source.ts';
import { openLog } from './observe/log.ts';
import { describeError } from './observe/log-error.ts';
import { Service } from './service.ts';

try {
  await main();
} catch (error) {
  if (error instanceof ConfigError) for (const problem of error.problems) console.error(problem);
  else console.error(plainly(error));
  process.exit(1);
}

async function main(): Promise<void> {
  const { env, warnings } = await readEnvironment(process.cwd(), process.env);
  const [config, loaded] = await withAllProblems(
    () => loadConfig(env),
    () => loadCredentials(credentialSources(env), new Date()),
  );
  const { credentials } = loaded;
  const log = await openLog(config);
  for (const warning of [...warnings, ...loaded.warnings]) log.warn(warning);

  const version = ownVersion();
  const service = new Service({ config, credentials, version, log });
  const port = await service.start();
  const { subject, fingerprint, notAfter } = credentials;
  log.info({ version, host: config.host, port, subject, fingerprint, notAfter }, 'ready');
  // PM2's `wait_ready` waits for this word.
  process.send?.('ready');

  let ending = false;
  const end = async (signal: NodeJS.Signals, delayMs: number): Promise<void> => {
    if (ending) {
      service.stop();
      log.error({ signal }, 'second signal: calls in flight were cut');
      process.exit(1);
    }
    ending = true;
    log.info({ signal }, 'draining');
    const complete = await service.drain(delayMs);
    if (complete) log.info('drained');
    else log.error('SHUTDOWN_TIMEOUT_MS is over: calls in flight were cut');
    process.exit(complete ? 0 : 1);
  };
  // A balancer needs the delay; PM2 and Ctrl-C, which send SIGINT, do not.
  process.on('SIGTERM', (signal) => void end(signal, config.shutdownDelayMs));
  process.on('SIGINT', (signal) => void end(signal, 0));
  process.on('uncaughtException', (error) => {
    log.fatal(describeError(error), 'this is a bug: the service ends');
    service.stop();
    process.exit(1);
  });
}

/** What keeps the service from starting, and what to do. */
function plainly(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return 'PORT: another process listens on this port. Stop it, or set another PORT.';
  if (code === 'EACCES') return 'PORT: this user may not listen on this port. Set one above 1023.';
  if (code === 'EADDRNOTAVAIL') return 'HOST: this machine does not have this address. Set one of its own.';
  return `The service could not start. This is a bug: ${JSON.stringify(describeError(error))}`;
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}
