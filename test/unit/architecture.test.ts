import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** The rules of design §3, held against the imports that are really there. */

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** From below to above: a room knows those before it only. A folder and the file of its name are one room. */
const ROOMS = [
  'errors',
  'config',
  'credentials',
  'upstream',
  'lifecycle',
  'http',
  'forward',
  'app',
  'observe',
  'inputs',
  'renewal',
  'service',
  'inspection',
  'hang-up',
  'doctor',
  'main',
];

/** Decisions: functions from values to values, without sockets, files, clocks or the state of the process. */
const PURE = [
  'forward/envelope.ts',
  'forward/json.ts',
  'forward/json-grammar.ts',
  'forward/target.ts',
  'forward/headers.ts',
  'forward/path.ts',
  'upstream/failure.ts',
];

/** What pure modules may use of Node: it only looks at bytes. */
const HARMLESS = ['node:buffer'];

/** Where the words stand that logs, metrics and answers share: codes with their texts, and the names of the phases. */
const TABLES = ['errors.ts', 'upstream/trace.ts'];

const MOST_LINES = 200;

/** A table is as long as it is; the others are asking to be two. */
const LONGER = ['errors.ts'];

const WEB_FRAMEWORK = /^(express|cors$|rate-limit-redis$)/;

interface Import {
  /** A file below `src/` for our own, else the name of the package. */
  readonly from: string;
  readonly isOwn: boolean;
  /** Whether nothing of it is there when the program runs. */
  readonly isType: boolean;
}

interface Source {
  readonly file: string;
  readonly lines: number;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^;'"]*?)\s+from\s+)?'([^']+)';$/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

function read(file: string): Source {
  const text = readFileSync(join(SRC, file), 'utf8');
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = [...code.matchAll(STATEMENT)].map(([, type, names = '', from = '']) => ({
    from,
    isType: type !== undefined || /^\{(\s*type [^,}]+,?)+\s*\}$/.test(names),
  }));
  const dynamic = [...code.matchAll(DYNAMIC)].map(([, from = '']) => ({ from, isType: false }));
  const imports = [...found, ...dynamic].map(({ from, isType }) => {
    const isOwn = from.startsWith('.');
    return { from: isOwn ? normalize(join(dirname(file), from)) : from, isOwn, isType };
  });
  return { file, lines: text.split('\n').length - 1, code, imports };
}

function roomOf(file: string): string {
  const [first = ''] = file.split('/');
  return first.replace(/\.ts$/, '');
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map(read);

/** Each import of our own files that breaks a rule, as `a.ts → b.ts`. */
function ownImportsThat(breaks: (source: Source, one: Import) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports.filter((one) => one.isOwn && breaks(source, one)).map((one) => `${source.file} → ${one.from}`),
  );
}

test('this test sees the imports that are there', () => {
  const all = sources.flatMap(({ imports }) => imports);

  expect(sources.length).toBeGreaterThan(40);
  for (const { code, imports } of sources)
    expect(imports).toHaveLength(code.match(/\bfrom '|\bimport\('/g)?.length ?? 0);
  for (const { from, isOwn } of all) if (isOwn) expect(sources.map(({ file }) => file)).toContain(from);
  expect(read('observe/log.ts').imports).toContainEqual({ from: 'http/call.ts', isOwn: true, isType: true });
  expect(read('main.ts').imports).toContainEqual({ from: 'service.ts', isOwn: true, isType: false });
});

test('every file stands in a room that has its place', () => {
  expect(sources.map(({ file }) => file).filter((file) => !ROOMS.includes(roomOf(file)))).toEqual([]);
});

describe('imports', () => {
  test('point one way', () => {
    const upward = ownImportsThat(
      ({ file }, { from }) => roomOf(file) !== 'observe' && ROOMS.indexOf(roomOf(from)) > ROOMS.indexOf(roomOf(file)),
    );

    expect(upward).toEqual([]);
  });

  test('of observe are types, and of values the tables only', () => {
    const values = ownImportsThat(
      ({ file }, { from, isType }) =>
        roomOf(file) === 'observe' && roomOf(from) !== 'observe' && !isType && !TABLES.includes(from),
    );

    expect(values).toEqual([]);
  });

  test('of the error table there are none, of the lifecycle only the open calls', () => {
    expect(read('errors.ts').imports).toEqual([]);
    expect(read('lifecycle/open-calls.ts').imports).toEqual([]);
    expect(read('lifecycle.ts').imports.map(({ from }) => from)).toEqual(['lifecycle/open-calls.ts']);
  });

  test('are in no circle of values', () => {
    const values = new Map(
      sources.map(({ file, imports }) => [
        file,
        imports.filter((one) => one.isOwn && !one.isType).map(({ from }) => from),
      ]),
    );
    const circles: string[] = [];
    const follow = (path: readonly string[]): void => {
      const file = path.at(-1) ?? '';
      if (path.indexOf(file) < path.length - 1) circles.push(path.join(' → '));
      else for (const next of values.get(file) ?? []) follow([...path, next]);
    };
    for (const { file } of sources) follow([file]);

    expect(circles).toEqual([]);
  });

  test('of the web framework are at the door only', () => {
    const users = sources
      .filter(({ imports }) => imports.some(({ from, isOwn }) => !isOwn && WEB_FRAMEWORK.test(from)))
      .map(({ file }) => file);

    for (const file of users) expect(file).toMatch(/^(http\/|forward\/forward\.ts$|app\.ts$)/);
    expect(users).toContain('app.ts');
  });

  test('do not go through barrels', () => {
    expect(sources.filter(({ code }) => /^export\s.*\sfrom\s/m.test(code)).map(({ file }) => file)).toEqual([]);
  });
});

test('decisions are pure, and so is all that they use', () => {
  const reached = new Set<string>();
  const follow = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { from, isOwn, isType } of read(file).imports) {
      if (isType) continue;
      if (isOwn) follow(from);
      else expect(HARMLESS, `${file} imports ${from}`).toContain(from);
    }
  };
  for (const file of PURE) follow(file);

  for (const file of reached)
    expect(read(file).code, file).not.toMatch(/\b(process|performance|setTimeout|Date\.now|Math\.random)\b/);
});

test('only main and doctor read the environment or end the process', () => {
  const users = sources
    .filter(({ code }) => /\bprocess\.(env|exit|exitCode|abort|kill|argv|cwd)\b/.test(code))
    .map(({ file }) => file);

  for (const file of users) expect(file).toMatch(/^(main|doctor)\.ts$/);
});

test('a file has one reason to exist, which its name tells', () => {
  const names = sources.flatMap(({ file }) => file.replace(/\.ts$/, '').split('/'));

  expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([]);
  expect(names.filter((name) => /(^|-)(utils?|helpers?|common|misc|shared|index)$/.test(name))).toEqual([]);
});

test('no file is too long to be one thing', () => {
  const long = sources.filter(({ file, lines }) => lines > MOST_LINES && !LONGER.includes(file));

  expect(long.map(({ file, lines }) => `${file}: ${lines} lines`)).toEqual([]);
});

test('no function is written where it is assigned to a property: V8 puts it, and with it all of a call, among what is old', () => {
  const WRITTEN_IN_PLACE = /\.#?\w+ \??\??= (?:async )?(?:function\b|\w+ =>|\([^()]*\)(?:: [^=]+)? =>)/;

  expect('call.onGone = () => exchange.abandon();').toMatch(WRITTEN_IN_PLACE);
  expect(sources.filter(({ code }) => WRITTEN_IN_PLACE.test(code)).map(({ file }) => file)).toEqual([]);
});
