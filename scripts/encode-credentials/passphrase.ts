import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Takes the passphrase from CREDENTIALS_PASSPHRASE, or asks for it without showing what is typed. */
export function askPassphrase(): Promise<string> {
  const { CREDENTIALS_PASSPHRASE: given } = process.env;
  if (given !== undefined) return Promise.resolve(given);
  if (!process.stdin.isTTY) throw new Error('Set CREDENTIALS_PASSPHRASE: there is no terminal to ask for it.');
  process.stderr.write('Passphrase: ');
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: unseen, terminal: true });
  return new Promise((resolve) => {
    terminal.question('', (passphrase) => {
      terminal.close();
      process.stderr.write('\n');
      resolve(passphrase);
    });
  });
}
