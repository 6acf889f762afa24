/** The payment API of the bench where nginx is not installed: answers each path with the body of that name. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const { BENCH_PORT, DIRECTORY = '', CERT_FILE = '', KEY_FILE = '', CA_FILE = '' } = process.env;
const bodies = new Map(
  ['small', '64k', '10m', 'huge'].map((name) => [`/${name}`, readFileSync(join(DIRECTORY, name))]),
);
createServer(
  {
    cert: readFileSync(CERT_FILE),
    key: readFileSync(KEY_FILE),
    ca: readFileSync(CA_FILE),
    requestCert: true,
    keepAliveTimeout: 65_000,
  },
  (request, response) => {
    const body = bodies.get(request.url ?? '') ?? Buffer.from('{}');
    request.resume().on('end', () => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body);
    });
  },
).listen(Number(BENCH_PORT), '127.0.0.1');
