import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { About } from './results.ts';

/** How each program tells its version; a program that is not installed has none. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  nginx: ['nginx', '-v'],
  Caddy: ['caddy', 'version'],
  HAProxy: ['haproxy', '-v'],
};
const PACKAGES = ['express', 'fastify', '@fastify/reply-from', 'autocannon'];
const GIB = 1024 ** 3;

/**
 * @param args the command line
 * @param node the Node that runs the contenders
 */
export function aboutThisRun(args: readonly string[], node: string, division: string): About {
  const [cpu] = cpus();
  const programs = Object.entries(PROGRAMS).flatMap(([name, command]) => {
    const version = versionOf(command);
    return version === undefined ? [] : [[name, version] as const];
  });
  return {
    command: ['npm run bench', ...(args.length > 0 ? ['--'] : []), ...args].join(' '),
    startedAt: new Date().toISOString(),
    machine: `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / GIB)} GiB, ${platform()} ${release()}`,
    division,
    loadAverage: loadavg()[0] ?? Number.NaN,
    versions: Object.fromEntries([
      ['Node', versionOf([node, '--version']) ?? '?'],
      ...PACKAGES.map((name) => [name, packageVersion(name)] as const),
      ...programs,
    ]),
  };
}

function versionOf([program = '', ...args]: readonly string[]): string | undefined {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+(?:\.\d+)+/.exec(`${stdout} ${stderr}`)?.[0];
}

function packageVersion(name: string): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'),
  );
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '?';
}
