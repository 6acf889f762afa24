/** Fastify with reply-from as a plain relay, without envelope, keys, log or metrics: the bench measures against it. */
import { readFileSync } from 'node:fs';
import { Agent as PlainAgent } from 'node:http';
import { Agent } from 'node:https';
import { createSecureContext } from 'node:tls';
import replyFrom from '@fastify/reply-from';
import { fastify } from 'fastify';

const { BENCH_PORT, UPSTREAM_PORT, CERT_FILE = '', KEY_FILE = '', CA_FILE = '' } = process.env;
const app = fastify({ bodyLimit: 20_971_520 });
const files = { cert: readFileSync(CERT_FILE), key: readFileSync(KEY_FILE), ca: readFileSync(CA_FILE) };
// Node's agent looks its connections up by a name that has all of the files in it, unless it is given this instead.
const tls = process.env.TLS_CONTEXT === 'once' ? { secureContext: createSecureContext(files) } : files;
const agent = new Agent({ keepAlive: true, ...tls });
await app.register(replyFrom, {
  base: `https://localhost:${UPSTREAM_PORT}`,
  http: { agents: { 'https:': agent, 'http:': new PlainAgent() } },
});
// The body is passed on as it is, which is the least work that a relay can do.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
app.all('/*', (request, reply) => reply.from(request.url));
await app.listen({ port: Number(BENCH_PORT), host: '127.0.0.1' });
