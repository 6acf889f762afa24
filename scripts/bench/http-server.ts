/** Node's own HTTP server and nothing else: no service on Node starts faster. */
import { createServer } from 'node:http';

createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status":"ok"}');
}).listen(Number(process.env.BENCH_PORT), '127.0.0.1');
