/**
 * On the host: what PM2's workers of the service are doing.
 *
 *     workers.mjs ROOT NAME first                     the id of the first worker, if all are online
 *     workers.mjs ROOT NAME stranded                  the ids of those that are not online
 *     workers.mjs ROOT NAME ids                       the ids of all
 *     workers.mjs ROOT NAME list                      a table for people
 *     workers.mjs ROOT NAME verify VERSION --within SECONDS [--worker ID]
 *                                                     whether all of them, or this one, serve this release, and go on to
 */
import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';

const ANSWER_WITHIN_MS = 2_000;
/** A worker that ends soon after it began to serve is found out in this time. */
const SETTLED_AFTER_MS = 2_000;
const LOOK_EVERY_MS = 250;
/** PM2 gives new connections to its workers in turn, so this many in a row meet each of them more than once. */
const CONNECTIONS_PER_WORKER = 4;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { within: { type: 'string' }, worker: { type: 'string' } },
});
const [root, name, command, version] = positionals;

switch (command) {
  case 'first': {
    const workers = await list();
    if (workers.length > 0 && workers.every(({ status }) => status === 'online')) console.log(workers[0].id);
    break;
  }
  case 'stranded':
    for (const { id, status } of await list()) if (status !== 'online') console.log(id);
    break;
  case 'ids':
    for (const { id } of await list()) console.log(id);
    break;
  case 'list':
    for (const { id, pid, status, restarts, release } of await list()) {
      console.log(`  ${id}: ${status}, process ${pid}, restarted ${restarts} times, ${release ?? 'no release'}`);
    }
    break;
  case 'verify':
    await verify();
    break;
  default:
    throw new Error(`There is no command ${command}`);
}

async function verify() {
  const untilMs = performance.now() + Number(values.within) * 1000;
  let obstacle;
  do {
    obstacle = await lookTwice();
    if (obstacle === undefined) return;
    // It has ended by itself, and would again: the release that it runs is the same.
    if (values.worker !== undefined && obstacle.includes('is waiting restart')) break;
    await delay(LOOK_EVERY_MS);
  } while (performance.now() < untilMs);
  console.error(`not all was well within ${values.within} s: ${obstacle}`);
  process.exitCode = 1;
}

/** What is in the way: nothing, if all is well and still is after a while, with the same processes. */
async function lookTwice() {
  const workers = await list();
  const obstacle = inTheWay(workers) ?? (await ask(workers.length));
  if (obstacle !== undefined) return obstacle;
  await delay(SETTLED_AFTER_MS);
  const later = await list();
  const gone = workers.find(({ id, pid }) => !later.some((worker) => worker.id === id && worker.pid === pid));
  if (gone !== undefined) return `worker ${gone.id} ended soon after it had begun to serve`;
  return inTheWay(later) ?? (await ask(later.length));
}

function inTheWay(workers) {
  const looked = values.worker === undefined ? workers : workers.filter(({ id }) => String(id) === values.worker);
  if (looked.length === 0) return 'PM2 has no worker of it';
  const wrong = looked.find(({ status, release }) => status !== 'online' || release !== version);
  return (
    wrong &&
    `worker ${wrong.id} is ${wrong.status}, restarted ${wrong.restarts} times, with ${wrong.release ?? 'no release'}`
  );
}

/** Whether `/` says this version on as many new connections as reach every worker; for one worker, on any of them. */
async function ask(workers) {
  const address = addressOf(join(root, 'releases', version));
  let obstacle;
  for (let connection = 0; connection < workers * CONNECTIONS_PER_WORKER; connection += 1) {
    obstacle = await askOnce(address);
    if ((obstacle === undefined) === (values.worker !== undefined)) return obstacle;
  }
  return obstacle;
}

function askOnce({ host, port }) {
  const where = `GET / on ${host}:${port}`;
  return new Promise((resolve) => {
    const request = get({ host, port, agent: false, timeout: ANSWER_WITHIN_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('error', (error) => resolve(`${where}: ${error.code ?? error.message}`));
      response.on('end', () => {
        const said = versionIn(body);
        const isGood = response.statusCode === 200 && said === version;
        resolve(isGood ? undefined : `${where} answers ${response.statusCode} with version ${said}`);
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
    request.on('error', (error) => resolve(`${where}: ${error.code ?? error.message}`));
  });
}

function versionIn(body) {
  try {
    return JSON.parse(body).version;
  } catch {
    return 'unknown';
  }
}

/** Where a release listens, by its `.env`; an address that means all of them is asked on loopback. */
function addressOf(release) {
  const { parse } = createRequire(join(release, 'package.json'))('dotenv');
  const { HOST, PORT } = parse(readFileSync(join(release, '.env')));
  const host = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }[HOST ?? ''] ?? HOST;
  return { host, port: Number(PORT || 3001) };
}

async function list() {
  if (!pm2Runs()) return [];
  const { stdout } = await promisify(execFile)(join(root, 'pm2/node_modules/.bin/pm2'), ['jlist', '--silent'], {
    cwd: root,
    maxBuffer: 67_108_864,
  });
  return JSON.parse(stdout)
    .filter((process) => process.name === name)
    .map(({ pm_id, pid, pm2_env }) => ({
      id: pm_id,
      pid,
      status: pm2_env.status,
      restarts: pm2_env.restart_time,
      release: releaseOf(pid),
    }));
}

/** PM2 is not asked when it does not run, since asking would start it. */
function pm2Runs() {
  try {
    const pid = readFileSync(join(process.env.PM2_HOME ?? join(homedir(), '.pm2'), 'pm2.pid'), 'utf8');
    return readFileSync(`/proc/${pid.trim()}/cmdline`, 'utf8').includes('God Daemon');
  } catch {
    return false;
  }
}

/** The release that a process has been started from: PM2 only knows the link. */
function releaseOf(pid) {
  try {
    const directory = readlinkSync(`/proc/${pid}/cwd`);
    const releases = join(realpathSync(join(root, 'releases')), '/');
    return directory.startsWith(releases) ? directory.slice(releases.length) : directory;
  } catch {
    return undefined;
  }
}
