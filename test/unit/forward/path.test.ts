import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowedPath, pathProblem } from '../../../src/forward/path.ts';

/** Pieces of which tricks are made. */
const trickyPath = fc
  .array(
    fc.constantFrom(
      ...[
        '/',
        '/',
        '.',
        '..',
        '%2e',
        '%2E',
        '%2f',
        '%2F',
        '%5c',
        '%5C',
        '%3b',
        ';',
        '?',
        '%',
        '25',
        '%25',
        '%252e',
        'pay',
        'x',
        '-',
      ],
    ),
    { maxLength: 8 },
  )
  .map((pieces) => `/${pieces.join('')}`);

const decode = (text: string) => text.replace(/%(2e|2f|5c|3b)/gi, (code) => decodeURIComponent(code));

describe('a path', () => {
  it.each([
    ['/'],
    ['/api-partner/v1/apps-in-toss/pay/make-payment'],
    ['/a//b'],
    ['/a/...'],
    ['/a/.b'],
    ['/a/b.'],
    ['/a/..b'],
    ['/a/%2e%2e%2e/b'],
    ['/.well-known/x'],
    ['/a?next=/../..'],
    ['/a?b=?c=/./'],
    ['/a;v=1.1/b'],
    ['/100%25'],
    ['/%EA%B2%B0%EC%A0%9C'],
    ['/a%2fb'],
    ['/a?q="<>^`{|}\''],
    [`/${'a'.repeat(8191)}`],
  ])('goes out as it is: %s', (path) => {
    expect(pathProblem(path)).toBeUndefined();
  });

  it.each([
    ['the empty one', '', 'begin with "/"'],
    ['a name', 'pay', 'begin with "/"'],
    ['a URL', 'https://evil.example/pay', 'begin with "/"'],
    ['an authority', '@evil.example/pay', 'begin with "/"'],
    ['a query alone', '?a=1', 'begin with "/"'],
    ['the asterisk', '*', 'begin with "/"'],
    ['two slashes first', '//evil.example/pay', 'not two'],
    ['a backslash', '/\\evil.example', 'printable ASCII'],
    ['a fragment', '/pay#x', 'printable ASCII'],
    ['a fragment in the query', '/pay?a=1#x', 'printable ASCII'],
    ['a space', '/pay HTTP/1.1', 'printable ASCII'],
    ['a line break', '/pay\r\nX-A: b', 'printable ASCII'],
    ['a line break in the query', '/pay?a=\n', 'printable ASCII'],
    ['a NUL', '/pay\0', 'printable ASCII'],
    ['a DEL', '/pay\x7f', 'printable ASCII'],
    ['Latin-1', '/caf\u00e9', 'printable ASCII'],
    ['Korean', '/결제', 'printable ASCII'],
    ['a letter whose low byte is a line break', '/\u010a', 'printable ASCII'],
    ['8193 bytes', `/${'a'.repeat(8192)}`, '8192 bytes'],
    ['8193 bytes with the query', `/a?${'b'.repeat(8190)}`, '8192 bytes'],
    ['one dot', '/.', 'segment'],
    ['one dot before the query', '/.?a', 'segment'],
    ['two dots at the end', '/a/..', 'segment'],
    ['two dots in the middle', '/a/../b', 'segment'],
    ['encoded dots', '/a/%2e%2E/b', 'segment'],
    ['half-encoded dots', '/a/.%2e/b', 'segment'],
    ['dots before an encoded slash', '/a/..%2fb', 'segment'],
    ['dots after an encoded slash', '/a%2F../b', 'segment'],
    ['dots between encoded backslashes', '/a%5c..%5Cb', 'segment'],
    ["Tomcat's parameters after dots", '/a/..;/b', 'segment'],
    ['parameters with a value after dots', '/a/..;x=1/b', 'segment'],
    ['an encoded semicolon after dots', '/a/..%3b/b', 'segment'],
  ])('is refused: %s', (_, path, reason) => {
    expect(pathProblem(path)).toContain(reason);
  });

  it('is refused for its dots exactly when a server that decodes before it splits would see a dot segment', () => {
    fc.assert(
      fc.property(trickyPath, (path) => {
        const [beforeQuery = ''] = path.split('?');
        const hasDotSegment = decode(beforeQuery)
          .split(/[/\\;]/)
          .some((segment) => segment === '.' || segment === '..');
        expect(pathProblem(path) !== undefined).toBe(hasDotSegment || path.startsWith('//'));
      }),
      { numRuns: 3000 },
    );
  });

  it('that goes out means the same to a URL parser: no other host, no other path', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          trickyPath,
          fc.string().map((text) => `/${text}`),
        ),
        (path) => {
          fc.pre(pathProblem(path) === undefined);
          const url = new URL(path, 'https://api.example');
          expect(url.host).toBe('api.example');
          expect(url.pathname.split('/').length).toBe(path.split('?')[0]?.split('/').length);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('ALLOWED_PATHS', () => {
  const pay = [{ prefix: '/pay' }];

  it.each([
    ['/pay'],
    ['/pay/'],
    ['/pay/x'],
    ['/pay?x'],
    ['/pay/x?y=/other'],
    ['/pay//x'],
    ['/pay/a%2fb'],
    ['/pay/a;b'],
  ])('with /pay lets %s through', (path) => {
    expect(isAllowedPath('POST', path, pay)).toBe(true);
  });

  it.each([
    ['/'],
    ['/payments'],
    ['/pa'],
    ['/PAY'],
    ['/p%61y'],
    ['/pay%2fx'],
    ['/pay;x'],
    ['/pay.json'],
    ['/x/pay'],
    ['/x?/pay'],
    ['/pay/%252e%252e/admin'],
    ['/pay/..%252fadmin'],
    ['/pay/%25252e%25252E%25255cadmin'],
  ])('with /pay refuses %s', (path) => {
    expect(pathProblem(path)).toBeUndefined();
    expect(isAllowedPath('POST', path, pay)).toBe(false);
  });

  it('with /pay/ lets through only what is below', () => {
    const below = [{ prefix: '/pay/' }];
    expect(['/pay/', '/pay/x', '/pay/?x'].map((path) => isAllowedPath('GET', path, below))).toEqual([true, true, true]);
    expect(['/pay', '/pay?x', '/payments'].map((path) => isAllowedPath('GET', path, below))).not.toContain(true);
  });

  it('with / lets every path through', () => {
    expect(isAllowedPath('GET', '/any/thing?x', [{ prefix: '/' }])).toBe(true);
    expect(isAllowedPath('GET', '/a/%252e%252e/b', [{ prefix: '/' }])).toBe(true);
  });

  it('with a method lets only that method through', () => {
    const rules = [{ method: 'POST', prefix: '/pay' }, { prefix: '/status' }];
    expect(isAllowedPath('POST', '/pay/x', rules)).toBe(true);
    expect(isAllowedPath('GET', '/pay/x', rules)).toBe(false);
    expect(isAllowedPath('GET', '/status', rules)).toBe(true);
  });

  it('with nothing in it lets nothing through', () => {
    expect(isAllowedPath('GET', '/', [])).toBe(false);
  });

  it('is never left by a path that it lets through, decoded and resolved as often as one likes', () => {
    fc.assert(
      fc.property(trickyPath, (tail) => {
        const path = `/pay${tail}`;
        fc.pre(pathProblem(path) === undefined && isAllowedPath('GET', path, pay));
        let read = path.split('?')[0] ?? '';
        for (let times = 0; times < 4; times++) {
          read = decode(read.replaceAll(/%25/g, '%'))
            .replaceAll('\\', '/')
            .replaceAll(/;[^/]*/g, '');
          expect(new URL(read.replace(/^\/+/, '/'), 'https://api.example').pathname).toMatch(/^\/pay(\/|$)/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
