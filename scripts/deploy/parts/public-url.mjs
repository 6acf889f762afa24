/** `public-url.mjs URL VERSION`: whether the service shows this version where its callers reach it, within a minute. */
import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = Number(process.env.PUBLIC_URL_WITHIN_S || 60) * 1000;
const ANSWER_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

const [url, version] = process.argv.slice(2);
const untilMs = performance.now() + WITHIN_MS;
let found;
do {
  found = await look();
  if (found === undefined) process.exit(0);
  await delay(LOOK_EVERY_MS);
} while (performance.now() < untilMs);
console.error(`PUBLIC_URL does not show the new version within ${WITHIN_MS / 1000} s: ${found}`);
process.exit(1);

/** What is in the way: nothing, if it is the new version that answers. */
async function look() {
  try {
    const response = await fetch(new URL('/', url), {
      headers: { Connection: 'close' },
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const body = await response.text();
    const said = /"version":"([^"]*)"/.exec(body)?.[1];
    if (response.status === 200 && said === version) return undefined;
    return `it answers ${response.status}, ${said === undefined ? 'without a version' : `version ${said}`}`;
  } catch (error) {
    return `${error.cause?.code ?? error.message}`;
  }
}
