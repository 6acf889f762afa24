/**
 * How PM2 runs the service: `npx pm2 start ecosystem.config.js`. Settings come from the `.env` beside this file, which the
 * service reads itself: PM2 writes the environment that it knows to disk, so no secret may be in it.
 *
 * PM2 takes a named export from an ES module, and ignores a default one.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parse } from 'dotenv';

const directory = import.meta.dirname;

/** What PM2 itself must know. An empty value counts as absent; the environment wins, as it does in the service. */
const settings = { ...nonEmpty(readDotenv()), ...nonEmpty(process.env) };
const upstreamTimeoutMs = Number(settings.UPSTREAM_TIMEOUT_MS ?? 30_000);
const shutdownTimeoutMs = Number(settings.SHUTDOWN_TIMEOUT_MS ?? upstreamTimeoutMs + 5_000);

export const apps = [
  {
    name: 'toss-mtls-proxy',
    script: 'dist/main.js',
    cwd: linkTo(directory),

    // As in `npm start`. Each worker takes them up with a reload.
    // - The young generation of the heap: twice as much would spare an eighth of the CPU time with 512 callers, and nothing with
    //   64; but take 16 MB more in a rush of 2,000 calls. What Node 24 would take by itself, 64, takes 60 MB more.
    // - Pretenuring: in some processes V8 would make an object of every call among the old ones, where it keeps the whole call
    //   with it. Such a process takes a fifth more CPU time.
    // - The memory reducer: src/upstream/garbage.ts tells what it costs, and does its task.
    node_args: '--max-semi-space-size=8 --no-allocation-site-pretenuring --no-memory-reducer',

    // One process per core, and at least two: while a reload replaces them one after the other, another one serves.
    exec_mode: 'cluster',
    instances: settings.PM2_INSTANCES ?? Math.max(2, availableParallelism()),

    // A process counts as online once it says `ready`, which it does when it listens.
    wait_ready: true,
    listen_timeout: 15_000,

    // PM2 asks with SIGINT and kills after this time: later than the service would give up by itself.
    kill_timeout: shutdownTimeoutMs + 5_000,

    // A process that ends on its own is back at once; one that cannot start is tried ever more seldom.
    exp_backoff_restart_delay: 100,
    max_memory_restart: '768M',

    // Secrets in the environment of whoever starts PM2 would end up in its dump file.
    filter_env: ['TOSS_', 'PROXY_API_KEYS', 'REDIS_URL'],

    // The log is JSON lines that hold their own time.
    merge_logs: true,
  },
];

/** PM2 remembers the paths that it was given first. With the link of a deploy in them, it starts what the link names then. */
function linkTo(release) {
  const link = resolve(release, '../../current');
  try {
    return realpathSync(link) === realpathSync(release) ? link : release;
  } catch {
    return release;
  }
}

function readDotenv() {
  try {
    return parse(readFileSync(`${directory}/.env`));
  } catch {
    // The service says what is wrong with it, if anything is.
    return {};
  }
}

function nonEmpty(env) {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}
