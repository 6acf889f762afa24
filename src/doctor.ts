/**
 * `npm run doctor`, or `node dist/doctor.js [--json]`: tries all that the service does before a payment does, listens on
 * nothing, and explains what it finds. Exit code 0: the service would start, and its calls would be answered; else 1.
 */

import { parseArgs } from 'node:util';
import { checkCertificate } from './doctor/certificate.ts';
import { type Section, skipped } from './doctor/check.ts';
import { checkHost } from './doctor/host.ts';
import { asJson, asText, isHealthy } from './doctor/report.ts';
import { checkSettings, networkSettings } from './doctor/settings.ts';

const sections = await examineAll();
const report = asksForJson() ? asJson(sections) : asText(sections);
// A name look-up that is too late would hold up a process that ends by itself.
process.stdout.write(report, () => process.exit(isHealthy(sections) ? 0 : 1));

async function examineAll(): Promise<readonly Section[]> {
  const { checks, env } = await checkSettings(process.cwd(), process.env);
  const settings = { name: 'Settings', checks };
  if (env === undefined) return [settings];
  const certificate = await checkCertificate(env, new Date());
  const network = networkSettings(env);
  const hosts =
    network === undefined
      ? [{ name: 'Upstream hosts', checks: [skipped('UPSTREAM_HOSTS', 'see the settings')] }]
      : await Promise.all(
          network.hosts.map(async (host) => ({
            name: host.label,
            checks: await checkHost(host, certificate.credentials, network.connectTimeoutMs),
          })),
        );
  return [settings, { name: 'Certificate', checks: certificate.checks }, ...hosts];
}

function asksForJson(): boolean {
  try {
    return parseArgs({ options: { json: { type: 'boolean', default: false } } }).values.json;
  } catch {
    console.error('Usage: node dist/doctor.js [--json]');
    return process.exit(1);
  }
}
