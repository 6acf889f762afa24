/** `npm run sandbox [-- --port PORT]`: a payment API like Toss's on this machine, until Ctrl-C. */
import { readOptions } from './command-line.ts';
import { makeCertificates } from './sandbox/certificates.ts';
import { FAULT_FORMS, FAULT_HEADER } from './sandbox/faults.ts';
import { createSandbox, type LedgerEntry } from './sandbox/server.ts';

const { port } = readOptions('npm run sandbox -- [--port PORT]', { port: { type: 'string', default: '8443' } });

const certificates = await makeCertificates();
process.once('exit', certificates.remove);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(0));

const sandbox = await createSandbox({
  authority: certificates.authority,
  port: Number(port),
  onCall: (entry) => console.log(describe(entry)),
}).catch((error: NodeJS.ErrnoException) => {
  console.error(`The sandbox cannot listen on port ${port} (${error.code}). Try: npm run sandbox -- --port 0`);
  process.exit(1);
});

const settings = Object.entries({ ...certificates.settings, UPSTREAM_HOSTS: sandbox.host });
console.log(`
The sandbox listens on https://${sandbox.host} and wants a client certificate.
Settings of the service, good while the sandbox runs:

${settings.map(([name, value]) => `${name}=${value}`).join('\n')}

To start the service against it, in another terminal (with no .env of your own):

env ${settings.map(([name, value]) => `${name}='${value}'`).join(' \\\n    ')} \\
    npm run dev

A call is treated badly if its "headers" hold "${FAULT_HEADER}":
${FAULT_FORMS}

Ctrl-C ends the sandbox and deletes its certificates. Calls it processes:
`);

function describe({ method, path, answer, fault }: LedgerEntry): string {
  return `${answer.status} ${method} ${path}${fault === 'none' ? '' : `, then ${fault}`}`;
}
