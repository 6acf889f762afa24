import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Listens, tells its port, and then never accepts a connection: its thread sleeps. */
const LISTEN_AND_SLEEP = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = createServer().listen({ port: 0, host: 'localhost', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** How many connections the kernel accepts by itself for a listener with a backlog of 1. */
const ACCEPTED_BY_KERNEL = 2;

/** A port at which a connection is neither accepted nor refused: the listener's backlog is full. */
export async function startBlackHole(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const worker = new Worker(LISTEN_AND_SLEEP, { eval: true });
  const [port]: number[] = await once(worker, 'message');
  if (port === undefined) throw new Error('the listener did not tell its port');
  const fillers: Socket[] = [];
  for (let index = 0; index < ACCEPTED_BY_KERNEL; index += 1) {
    const filler = connect(port, 'localhost');
    await once(filler, 'connect');
    fillers.push(filler);
  }
  return {
    port,
    close: async () => {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
