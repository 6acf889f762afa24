/**
 * On the host: `reload-worker.mjs ROOT ID` has PM2 replace one worker. Not `pm2 reload ID`: with an id from the command line,
 * which is text, PM2 7.0.4 does not notice that the new worker is ready, and waits for all of `listen_timeout`.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [root, id] = process.argv.slice(2);
const pm2 = createRequire(join(root, 'pm2/node_modules/from-here.js'))('pm2');
await promisify(pm2.connect.bind(pm2))();
try {
  await promisify(pm2.reload.bind(pm2))(Number(id), { force: true });
} finally {
  pm2.disconnect();
}
