/**
 * The design that this project replaces, as such relays are mostly written: `cors`, `express.json`, certificate and key
 * given to each request, the answer collected as a string. The bench measures against it.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import cors from 'cors';
import express from 'express';

const { BENCH_PORT, UPSTREAM_PORT, CERT_FILE = '', KEY_FILE = '', CA_FILE = '' } = process.env;
const cert = readFileSync(CERT_FILE);
const key = readFileSync(KEY_FILE);
const ca = readFileSync(CA_FILE);

const app = express();
app.use(cors({ origin: /^http:\/\/localhost(:\d+)?$/ }));
app.use(express.json({ limit: '20mb' }));
app.post('/proxy', (incoming, answer) => {
  const { method, path, headers, body } = incoming.body;
  const text = body === undefined ? '' : JSON.stringify(body);
  const outgoing = request(
    {
      hostname: 'localhost',
      port: UPSTREAM_PORT,
      path,
      method,
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers },
      cert,
      key,
      ca,
    },
    (response) => {
      let data = '';
      response.on('data', (chunk) => {
        data += chunk;
      });
      response.on('end', () => {
        answer.status(response.statusCode ?? 500).set('Content-Type', response.headers['content-type'] ?? 'text/plain');
        answer.send(data);
      });
    },
  );
  outgoing.on('error', (error) => answer.status(502).json({ error: error.message }));
  outgoing.end(text);
});
app.listen(Number(BENCH_PORT), '127.0.0.1');
