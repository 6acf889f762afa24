/** Express with one route and nothing else: the bench measures our start against it. */
import express from 'express';

const app = express();
app.get('/', (_request, response) => {
  response.json({ status: 'ok' });
});
app.listen(Number(process.env.BENCH_PORT), '127.0.0.1');
