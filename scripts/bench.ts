/**
 * `npm run bench -- --rounds 3 --seconds 4`: what a call costs, in CPU time of the relay alone, side by side with the same
 * job done by others. The figures of one run compare with each other, not with those of another machine or moment.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contenders } from './bench/contenders.ts';
import { type Cost, costs } from './bench/measure.ts';
import { Measured } from './bench/process.ts';
import { isInstalled, nginxUpstream } from './bench/relays.ts';
import { freePort, prepare, type Setting } from './bench/setting.ts';

const UPSTREAM_SERVER = fileURLToPath(new URL('./bench/upstream-server.ts', import.meta.url));
const CONTENDER_CORES = '1';
const OTHER_CORES = '0';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    callers: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'toss-mtls-proxy-bench-'));
const setting = await prepare(directory);
const upstreamPort = await freePort();
const upstream = startUpstream(setting, upstreamPort);
try {
  await upstream.listening(upstreamPort);
  const load = { size: 'small', callers: Number(values.callers), seconds: Number(values.seconds) } as const;
  const ground = { setting, upstreamPort, contenderCores: CONTENDER_CORES };
  const found = await costs(contenders(), [load], Number(values.rounds), ground, (text) => console.error(text));
  console.log(values.json ? JSON.stringify(found, null, 2) : table(found));
} finally {
  await upstream.stop();
  rmSync(directory, { recursive: true, force: true });
}

/** nginx if it is there, since it leaves most of its core to the load. */
function startUpstream({ serverCertFile, serverKeyFile, caFile }: Setting, port: number): Measured {
  if (isInstalled('nginx', '-v')) return new Measured(nginxUpstream(setting, port), { cores: OTHER_CORES });
  return new Measured([process.execPath, '--import', 'tsx', UPSTREAM_SERVER], {
    cores: OTHER_CORES,
    env: {
      BENCH_PORT: String(port),
      DIRECTORY: join(directory, 'bodies'),
      CERT_FILE: serverCertFile,
      KEY_FILE: serverKeyFile,
      CA_FILE: caFile,
    },
  });
}

function table(found: readonly Cost[]): string {
  const [ours] = found;
  const rows = found.map((cost) => [
    cost.name,
    cost.cpuUsPerCall.toFixed(0),
    `±${((cost.spread * 100) / 2).toFixed(0)} %`,
    (cost.cpuUsPerCall / (ours?.cpuUsPerCall ?? Number.NaN)).toFixed(2),
    cost.callsPerSecond.toFixed(0),
    cost.rssMiB.toFixed(0),
    String(cost.failures),
  ]);
  const lines = [['', 'CPU µs a call', 'spread', 'to ours', 'calls/s', 'MiB', 'failed'], ...rows];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines.map((line) => line.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  ')).join('\n');
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
