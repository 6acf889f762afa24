import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'dotenv';

const PARTS = fileURLToPath(new URL('../../../scripts/deploy/host/bootstrap-parts.sh', import.meta.url));

/** The environment that gives processes their memory allocator on a host that bootstrap has made. */
export async function allocatorEnv(): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await promisify(execFile)('bash', ['-c', `. '${PARTS}' && allocator_file`]);
  return parse(stdout);
}
