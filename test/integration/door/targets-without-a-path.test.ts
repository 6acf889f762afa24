import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { startService } from '../../support/service.ts';

/** What is answered until the connection ends. */
function ask(port: number, target: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on('close', () => resolve(said));
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  });
}

test('a target without a path is answered from the error table, never with a page of Express', async () => {
  const service = await startService({ authority: await createAuthority(), upstreamPorts: [1] });
  onTestFinished(() => service.close());
  for (const target of ['http://', 'https://', 'http://?', 'http://x:99999', 'http://x?y', '*', 'x', 'mailto:x']) {
    const said = await ask(service.port, target);
    expect(said, target).not.toContain('<');
    expect(said, target).toMatch(/^HTTP\/1\.1 (200|400|404) /);
    if (!said.startsWith('HTTP/1.1 200')) expect(said, target).toContain('Proxy-Outcome: not_processed');
  }
});

test('a target in absolute form is as good as its path', async () => {
  const service = await startService({ authority: await createAuthority(), upstreamPorts: [1] });
  onTestFinished(() => service.close());
  for (const target of ['http://proxy.example/', 'http://proxy.example']) {
    expect(await ask(service.port, target)).toContain('"status":"ok"');
  }
});
