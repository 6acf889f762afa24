/** The process: settings, credentials, service; signals and exit codes. */

import { listenForHangUp } from './hang-up.ts';

// What follows takes its time to load, and a SIGHUP may come meanwhile.

import { readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { ConfigError } from './config/config-error.ts';
import { readEnvironment } from './config/environment.ts';
import type { Inputs } from './inputs.ts';
import { refuseInspection } from './inspection.ts';
import { describeError } from './observe/log-error.ts';
import type { Tracing } from './observe/tracing.ts';

/** Ctrl-C under `npm start` comes from the terminal and once more from npm, and systemd's SIGTERM does so too. */
const ECHO_MS = 500;

keepCompiledCode();
try {
  await main();
} catch (error) {
  const bug = () => [`The service could not start. This is a bug: ${JSON.stringify(describeError(error))}`];
  for (const problem of error instanceof ConfigError ? error.problems : bug()) console.error(problem);
  process.exit(1);
}

async function main(): Promise<void> {
  refuseInspection();
  const inputs = await load();
  const { config, credentials } = inputs;
  const { openLog } = await import('./observe/log.ts');
  const log = await openLog(config);
  for (const warning of inputs.warnings) log.warn(warning);

  const version = ownVersion();
  const tracing = await loadTracing(config.otlpEndpoint, version);
  const { Service } = await import('./service.ts');
  const service = new Service({ inputs, load, version, log, tracing });
  const port = await service.start().catch(explainListening);
  let first: { readonly signal: NodeJS.Signals; readonly atMs: number } | undefined;
  const end = async (signal: NodeJS.Signals, delayMs: number): Promise<void> => {
    if (first !== undefined) {
      if (signal === first.signal && performance.now() - first.atMs < ECHO_MS) return;
      service.stop();
      log.error({ signal }, 'second signal: calls in flight were cut');
      process.exit(1);
    }
    first = { signal, atMs: performance.now() };
    log.info({ signal }, 'draining');
    const complete = await service.drain(delayMs);
    if (complete) log.info('drained');
    else log.error('SHUTDOWN_TIMEOUT_MS is over: calls in flight were cut');
    await tracing?.close();
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

  listenForHangUp(() => void service.reload());

  // Last, since whoever reads this may send a signal at once.
  const { subject, fingerprint, notAfter } = credentials;
  log.info({ version, host: config.host, port, subject, fingerprint, notAfter }, 'ready');
  // PM2's `wait_ready` waits for this word.
  process.send?.('ready');
}

/**
 * What V8 makes of our code is kept from one start to the next, beside the packages and owned like them: whoever could
 * change it could change the code. Only what is imported later is kept, so that is how the large parts are. Node 20
 * cannot do this, and a folder that cannot be written to only makes the start slower.
 */
function keepCompiledCode(): void {
  if (!('enableCompileCache' in module)) return;
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/toss-mtls-proxy', import.meta.url)));
}

/** The SDK takes its time and memory, so it is loaded only for those who asked for it. */
async function loadTracing(endpoint: string | undefined, version: string): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const { openTracing } = await import('./observe/tracing.ts');
  return openTracing(endpoint, version);
}

/** Reads `.env`, the environment and the files that they name; again at each reload. */
async function load(): Promise<Inputs> {
  const { env, warnings } = await readEnvironment(process.cwd(), process.env);
  const { readInputs } = await import('./inputs.ts');
  const inputs = await readInputs(env, new Date()).catch((error: unknown) => {
    // A mistyped name may be why a setting is missing.
    throw error instanceof ConfigError ? new ConfigError([...error.problems, ...warnings]) : error;
  });
  return { ...inputs, warnings: [...warnings, ...inputs.warnings] };
}

/** Names the setting that keeps the service from listening (bind(2), listen(2)). */
function explainListening(error: NodeJS.ErrnoException): never {
  const { code } = error;
  if (code === undefined) throw error;
  if (code === 'EADDRINUSE') {
    throw new ConfigError(['PORT: another process listens on this port. Stop it, or set another PORT.']);
  }
  if (code === 'EACCES') {
    throw new ConfigError(['PORT: this user may not listen on this port. Set one above 1023.']);
  }
  throw new ConfigError([`HOST: this machine cannot listen on this address (${code}). Set one of its own.`]);
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}
