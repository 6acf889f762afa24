/**
 * Prints the `.env` of a deploy: every setting of ours that is set in the environment, and the lines of PROXY_SETTINGS,
 * over which the environment wins. Standard error says which settings those are, never their values.
 */
import { parse } from 'dotenv';
import { SETTINGS } from '../../../src/config/settings.ts';
import { dotenvLine } from './dotenv-line.ts';

/** What a service that others call must have; each also in its other forms. */
const REQUIRED = [
  ['TOSS_PUBLIC_CRT_B64', 'TOSS_PUBLIC_CRT', 'TOSS_PUBLIC_CRT_FILE'],
  ['TOSS_PRIVATE_KEY_B64', 'TOSS_PRIVATE_KEY', 'TOSS_PRIVATE_KEY_FILE'],
  ['PROXY_API_KEYS', 'ALLOW_UNAUTHENTICATED'],
];

const settings: Record<string, string> = { NODE_ENV: 'production', ...parse(process.env.PROXY_SETTINGS ?? '') };
for (const name of Object.keys(SETTINGS.shape)) {
  const value = process.env[name];
  if (value) settings[name] = value;
}
const missing = REQUIRED.filter((names) => !names.some((name) => settings[name])).map(([name]) => name);
if (missing.length > 0) {
  console.error(`Missing in the environment: ${missing.join(', ')}. docs/deploy-ec2.md says where they come from.`);
  process.exit(1);
}
const problems: string[] = [];
const lines: string[] = [];
for (const [name, value] of Object.entries(settings)) {
  const line = dotenvLine(name, value);
  if (line === undefined) problems.push(`${name}: a .env cannot hold this value. Leave out one kind of quotes.`);
  else lines.push(line);
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.error(`.env: ${Object.keys(settings).join(', ')}`);
process.stdout.write(`${lines.join('\n')}\n`);
