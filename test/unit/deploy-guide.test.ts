import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { SETTINGS } from '../../src/config/settings.ts';
import { ERRORS } from '../../src/errors.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { parseWorkflow, stepsOf } from '../support/workflow.ts';

/** docs/deploy-ec2.md, held against what it speaks of. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = 'docs/deploy-ec2.md';

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const guide = read(FILE);
const deploy = parseWorkflow(read('.github/workflows/deploy.yml'));

/** Every match in the guide, once. */
function named(pattern: RegExp): readonly string[] {
  return [...new Set([...guide.matchAll(pattern)].map(([, name = '']) => name))];
}

/** The text between a heading and the next of its rank. */
function section(heading: string): string {
  const [, after = ''] = guide.split(`${heading}\n`);
  return after.split(new RegExp(`^${heading.replace(/ .*/, '')} `, 'm'))[0] ?? '';
}

describe('the guide', () => {
  test('says for every error code what to do, and for no other', () => {
    const codes = [...section('### By error code').matchAll(/^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$/gm)];
    expect(codes.map(([, code]) => code).sort()).toEqual(Object.keys(ERRORS).sort());
  });

  test('says for every alert what to do, and for no other', () => {
    const rules: { groups: { rules: { alert: string }[] }[] } = parse(read('docs/monitoring/alerts.yml'));
    const alerts = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));

    const told = [...section('### By alert and metric').matchAll(/`([A-Z][a-z]+[A-Za-z]+)`/g)];
    expect(told.map(([, alert]) => alert).sort()).toEqual(alerts.sort());
  });

  test('names settings and variables that are there', () => {
    const scripts = readdirSync(join(ROOT, 'scripts/deploy'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
    const elsewhere = [read('ecosystem.config.js'), read('.github/workflows/deploy.yml'), ...scripts].join('\n');
    const names = named(/\b((?:[A-Z][A-Z0-9]*_)+[A-Z0-9]+)\b(?!_)/g).filter((name) => !(name in SETTINGS.shape));

    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(elsewhere))).toEqual([]);
  });

  test('says what every secret and variable of the workflow is', () => {
    const expressions = stepsOf(deploy).flatMap(({ env = {} }) => Object.values(env).map(String));
    const used = expressions.flatMap((text) =>
      [...text.matchAll(/\b(?:secrets|vars)\.(\w+)/g)].map(([, name]) => name),
    );

    const rows = [...section('## The secrets').matchAll(/^\| (`.+?) \|/gm)].flatMap(([, names = '']) =>
      names.split(', '),
    );
    expect(new Set(rows)).toEqual(new Set(used.map((name) => `\`${name}\``)));
  });

  test('shows defaults that are the ones in force', () => {
    const shown = [...guide.matchAll(/`?([A-Z_]+_MS)`? \(?(\d+) s\b/g)];

    expect(shown.length).toBeGreaterThan(1);
    const defaults = new Map(Object.entries(SETTINGS.shape).map(([name, setting]) => [name, setting.meta()?.default]));
    for (const [, name = '', seconds] of shown) expect(Number(defaults.get(name)), name).toBe(Number(seconds) * 1000);
  });

  test('names scripts and files that are there', () => {
    const commands = named(/\b(scripts\/deploy\/[\w-]+)/g);

    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) accessSync(join(ROOT, command), constants.X_OK);
    expect(named(/npm run ([\w:-]+)/g).filter((script) => !(script in manifest.scripts))).toEqual([]);
    for (const link of named(/\]\(([^#)]+)/g)) expect(existsSync(join(ROOT, dirname(FILE), link)), link).toBe(true);
  });

  test('leads to sections that are there', () => {
    const anchors = [...guide.matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(named(/\]\(#([^)]+)\)/g).filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });

  test('names metrics that are there, and all of ours', async () => {
    const certificateNotAfter = () => new Date();
    const { registry } = new Metrics({ inFlight: () => 0, connections: () => [], certificateNotAfter });
    const ours = (await registry.getMetricsAsJSON()).map(({ name }) => name);
    const told = named(/`((?:proxy|upstream|client|process|nodejs)_[a-z_]+)[`{]/g).filter((name) => !(name in ERRORS));

    expect(told).toEqual(expect.arrayContaining(ours));
    // Node's own, which the dashboard shows, too.
    const others = told.filter((name) => !ours.includes(name));
    expect(others.filter((name) => !read('docs/monitoring/dashboard.json').includes(name))).toEqual([]);
  });
});
