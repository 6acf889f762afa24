import { type FileHandle, open } from 'node:fs/promises';

/** A file's content, or the reason why there is none, in words that do not name the file. */
export type FileRead =
  | { readonly ok: true; readonly content: Buffer; readonly readableByOthers: boolean }
  | { readonly ok: false; readonly missing: boolean; readonly reason: string };

/** Far above any `.env` or chain of certificates, so that a wrong path (a disk, an endless device) does no harm. */
const MAX_BYTES = 1_048_576;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EACCES: "cannot be read: the service's user has no permission",
  EPERM: "cannot be read: the service's user has no permission",
  EISDIR: 'is a directory',
  ELOOP: 'cannot be read: its symbolic links go in a circle',
};

/**
 * Reads a small file of settings or key material. Pipes are fine: `<(pass show …)` is one.
 *
 * @param path relative to the working directory, or absolute
 */
export async function readSmallFile(path: string): Promise<FileRead> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { mode } = await file.stat();
    const content = await readAtMost(file.createReadStream({ end: MAX_BYTES, autoClose: false }));
    if (content.length > MAX_BYTES) return { ok: false, missing: false, reason: 'is larger than 1 MiB' };
    // Windows has no such bits: every file there looks readable by all.
    const readableByOthers = process.platform !== 'win32' && (mode & 0o044) !== 0;
    return { ok: true, content, readableByOthers };
  } catch (error) {
    return failed(error instanceof Error && 'code' in error ? String(error.code) : 'no error code');
  } finally {
    await file?.close();
  }
}

function failed(code: string): FileRead {
  return { ok: false, missing: code === 'ENOENT', reason: REASONS[code] ?? `cannot be read (${code})` };
}

async function readAtMost(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
