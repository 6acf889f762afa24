/** `summary.mjs STATUS VERSION RESULTS`: the report of a deploy in Markdown, from its results as `key=value`. */
import { readFileSync } from 'node:fs';

const [status, version, file] = process.argv.slice(2);
const results = readFileSync(file, 'utf8')
  .split('\n')
  .map((line) => line.split(/=(.*)/s))
  .filter(([key]) => key !== '');
const { previous, certificate_not_after: certificateEnd, reason, seconds } = Object.fromEntries(results);
const steps = results.filter(([key]) => key.startsWith('seconds_'));
/** What comes from a log is shown as it is, not as Markdown. */
const code = (text) => `\`${text.replaceAll('`', "'")}\``;

const rows = [
  ...(version ? [['Version', code(version)]] : []),
  ...(previous === undefined ? [] : [['Version before', previous ? code(previous) : 'none']]),
  ...(certificateEnd ? [['Certificate valid until', certificateEnd]] : []),
  ...(seconds ? [['Time on the host', `${seconds} s`]] : []),
  ...steps.map(([key, value]) => [`– ${key.slice('seconds_'.length).replaceAll('_', ' ')}`, `${value} s`]),
];
const heading = status === '0' ? 'Deployed' : 'Not deployed';
const why = status === '0' ? '' : `\n${reason ? code(reason) : 'The log of this step says why.'}\n`;
console.log(`## ${heading}\n${why}\n| | |\n| --- | --- |\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`);
