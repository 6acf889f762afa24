import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryWith } from '../../support/files.ts';

const DAMAGES = { cut: 'head -c 20000', garbled: "sed '1s/./X/'" };

/** A PATH on which `ssh` damages what it sends. */
export async function brokenSsh(damage: keyof typeof DAMAGES): Promise<string> {
  const directory = await directoryWith({ ssh: `#!/bin/sh\n${DAMAGES[damage]} | PATH=\${PATH#*:} exec ssh "$@"\n` });
  await chmod(join(directory, 'ssh'), 0o755);
  return `${directory}:${process.env.PATH}`;
}
