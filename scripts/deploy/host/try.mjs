/**
 * On the host: `try.mjs RELEASE VERSION` starts a release with its `.env` as one process on free ports of loopback, where
 * nobody calls it, and asks it for its version. Prints the end of its certificate; on failure the reason, in one line.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** As long as PM2 waits for a worker (`listen_timeout`). */
const READY_WITHIN_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;
const END_WITHIN_MS = 10_000;

const [release, version] = process.argv.slice(2);
const child = spawn(process.execPath, [...(await flagsUnderPm2()), 'dist/main.js'], {
  cwd: release,
  env: {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_HOST: '127.0.0.1',
    METRICS_PORT: '0',
    LOG_LEVEL: 'info',
    NODE_ENV: 'production',
  },
  stdio: ['ignore', 'pipe', 'pipe'],
});
const ended = once(child, 'exit');
process.on('exit', () => child.kill('SIGKILL'));

let lastWords = '';
for (const stream of [child.stdout, child.stderr]) {
  stream.setEncoding('utf8');
  stream.on('data', (text) => {
    lastWords = `${lastWords}${text}`.slice(-8_000);
  });
}

try {
  const ports = await Promise.race([
    listening(),
    ended.then(([code, signal]) => {
      throw new Error(`it ended with ${signal ?? `exit code ${code}`}${inOneLine(lastWords)}`);
    }),
    delay(READY_WITHIN_MS).then(() => {
      throw new Error(`it was not ready within ${READY_WITHIN_MS / 1000} s${inOneLine(lastWords)}`);
    }),
  ]);
  const { status, body } = await ask(ports.service, '/');
  if (status !== 200 || body.version !== version) throw new Error(`its / answers ${status}, version ${body.version}`);
  const { certificate } = (await ask(ports.metrics, '/status')).body;
  console.log(`certificate_not_after=${certificate?.notAfter ?? 'unknown'}`);
  child.kill('SIGINT');
  await Promise.race([ended, delay(END_WITHIN_MS)]);
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

/** What PM2 will give Node: it does not start with a flag that it does not know. */
async function flagsUnderPm2() {
  try {
    const { apps } = await import(pathToFileURL(join(release, 'ecosystem.config.js')).href);
    return apps[0].node_args?.split(' ') ?? [];
  } catch (error) {
    console.error(`its ecosystem.config.js cannot be read: ${error.message}`);
    return process.exit(1);
  }
}

/** The ports, from the lines of its log. */
async function listening() {
  const ports = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = parsed(line);
    if (msg === 'metrics') ports.metrics = port;
    if (msg === 'ready') ports.service = port;
    if (ports.metrics !== undefined && ports.service !== undefined) return ports;
  }
  // Its output has ended, and so has it, or soon.
  return new Promise(() => undefined);
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

async function ask(port, path) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  return { status: response.status, body: await response.json() };
}

/** The end of what it said, as one line. */
function inOneLine(text) {
  const lines = text.trim().split('\n');
  return text === '' ? '' : `: ${lines.slice(-5).join(' | ').slice(-1_000)}`;
}
