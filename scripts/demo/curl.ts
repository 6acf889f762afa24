import type { Envelope } from './caller.ts';

/** @returns a command for a POSIX shell that sends the envelope to the service at `url`, on several lines */
export function formatCurl(url: string, apiKey: string, envelope: Envelope): string {
  return [
    `curl -i ${url}/proxy \\`,
    `  -H ${quote(`Authorization: Bearer ${apiKey}`)} \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${quote(JSON.stringify(envelope, null, 2))}`,
  ].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
