import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Envelope, parseEnvelope } from '../../../src/forward/envelope.ts';
import { membersText, objectText, stringText, valueText } from './json-texts.ts';
import { refusalOf } from './refusal.ts';

const parse = (text: string): Envelope => parseEnvelope(Buffer.from(text));
/** An envelope with these members after a method and a path. */
const post = (members: string): string => `{"method":"POST","path":"/pay",${members}}`;
const refusal = (text: string | Buffer) => refusalOf(() => parseEnvelope(Buffer.from(text)));

describe('an envelope', () => {
  it('needs a method and a path, and nothing else', () => {
    expect(parse('{"method":"GET","path":"/a?b=%20"}')).toEqual({
      method: 'GET',
      path: '/a?b=%20',
      hostname: undefined,
      headers: [],
      body: undefined,
      timeoutMs: undefined,
    });
  });

  it('may have all of its fields, in any order, in any white space, with escaped names', () => {
    const text =
      ' {\t"timeoutMs" : 1500,"body":{"a":1}\r\n, "headers":{"X-A":"b"},"hostname":"h","p\\u0061th":"/p","method":"pOsT"}\n';
    expect(parse(text)).toEqual({
      method: 'POST',
      path: '/p',
      hostname: 'h',
      headers: [['X-A', 'b']],
      body: Buffer.from('{"a":1}'),
      timeoutMs: 1500,
    });
  });

  it('with null in an optional field is one without that field', () => {
    expect(parse(post('"hostname":null,"headers":null,"body":null,"timeoutMs":null'))).toEqual(
      parse('{"method":"POST","path":"/pay"}'),
    );
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['half an object', '{"method":"POST"'],
    ['a trailing comma', '{"method":"POST","path":"/",}'],
    ['a comment', '{"method":"POST","path":"/"} // x'],
    ['a second object', '{"method":"POST","path":"/"}{}'],
    ['single quotes', "{'method':'POST'}"],
    ['a raw control character', '{"method":"POST","path":"/\n"}'],
    ['a byte order mark', '\ufeff{"method":"POST","path":"/"}'],
    ['Latin-1', Buffer.from('{"method":"POST","path":"/","body":"é"}', 'latin1')],
    [
      'an overlong slash',
      Buffer.concat([Buffer.from('{"method":"POST","path":"'), Buffer.of(0xc0, 0xaf), Buffer.from('"}')]),
    ],
    [
      'a surrogate in UTF-8',
      Buffer.concat([
        Buffer.from('{"method":"POST","path":"/","body":"'),
        Buffer.of(0xed, 0xa0, 0x80),
        Buffer.from('"}'),
      ]),
    ],
    ['UTF-16', Buffer.from('{"method":"POST","path":"/"}', 'utf16le')],
    ['a megabyte of [', '['.repeat(1 << 20)],
    ['a megabyte of quotes', '"'.repeat(1 << 20)],
  ])('is no JSON when it is %s', (_, bytes) => {
    expect(refusal(bytes)).toMatchObject({ code: 'invalid_json', status: 400, outcome: 'not_processed' });
  });

  it.each([
    ['{}'],
    ['{"method":"GET"}'],
    ['{"path":"/"}'],
    ['{"method":null,"path":"/"}'],
    ['{"method":"GET","path":null}'],
    ['{"Method":"GET","path":"/"}'],
  ])('without method or path is refused by that title: %s', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_request', status: 400, title: 'Missing method or path' });
  });

  it.each([
    ['null', 'null', 'JSON object'],
    ['an array', '[{"method":"GET","path":"/"}]', 'JSON object'],
    ['a string', '"x"', 'JSON object'],
    ['a number', '1', 'JSON object'],
    ['an unknown field', post('"hostName":"x"'), '"hostName" is not a field'],
    ['an unknown field that is null', post('"hostName":null'), '"hostName"'],
    ['__proto__', post('"__proto__":{}'), '"__proto__"'],
    ['constructor', post('"constructor":1'), '"constructor"'],
    ['a field twice', post('"body":{"a":1},"body":{"a":1}'), '"body" stands twice'],
    ['a field twice, once as null', post('"body":{"a":1},"body":null'), '"body" stands twice'],
    ['a field twice, once with an escape', post('"m\\u0065thod":"POST"'), '"method" stands twice'],
    ['an unknown method', '{"method":"TRACE","path":"/"}', '"method" must be one of GET, HEAD'],
    ['CONNECT', '{"method":"CONNECT","path":"/"}', '"method"'],
    ['a method with a space', '{"method":"GET ","path":"/"}', '"method"'],
    ['an empty method', '{"method":"","path":"/"}', '"method"'],
    ['a method that is no string', '{"method":["GET"],"path":"/"}', '"method"'],
    ['a method with a long s', '{"method":"po\u017ft","path":"/"}', '"method"'],
    ['a path that is no string', '{"method":"GET","path":1}', '"path" must be a string'],
    ['an empty path', '{"method":"GET","path":""}', '"path" must begin'],
    ['a path with dots', '{"method":"GET","path":"/\\u002e./"}', '"path"'],
    ['a hostname that is no string', post('"hostname":1'), '"hostname" must be a string'],
    ['a hostname in a list', post('"hostname":["x"]'), '"hostname" must be a string'],
    ['a body on GET', '{"method":"GET","path":"/","body":"x"}', '"body" cannot go with GET'],
    ['a body on HEAD', '{"method":"head","path":"/","body":[]}', '"body" cannot go with HEAD'],
    ['a number as body', post('"body":0'), '"body" must be'],
    ['a boolean as body', post('"body":false'), '"body" must be'],
    ['half a surrogate pair as body', post('"body":"a\\ud83d"'), '"body" holds half'],
    ['the halves in the wrong order', post('"body":"\\udcb3\\ud83d"'), '"body" holds half'],
    ['headers in a list', post('"headers":[]'), '"headers" must be an object'],
    ['headers as text', post('"headers":"a: b"'), '"headers" must be an object'],
    ['a header without a name', post('"headers":{"":"b"}'), '"" is not a legal header name'],
    ['a header name with a space', post('"headers":{"a b":"c"}'), '"a b" is not a legal'],
    ['a header name with a colon', post('"headers":{"a:":"c"}'), 'not a legal'],
    ['a header name with a line break', post('"headers":{"a\\r\\nb":"c"}'), 'not a legal'],
    ['a header name beyond ASCII', post('"headers":{"é":"c"}'), 'not a legal'],
    ['a header twice', post('"headers":{"a":"b","a":"b"}'), '"a" stands twice'],
    ['a header twice in two cases', post('"headers":{"X-Key":"b","x-kEY":"c"}'), '"x-kEY" stands twice'],
    ['a header twice, once with an escape', post('"headers":{"ab":"b","\\u0041b":"c"}'), '"Ab" stands twice'],
    ['a header that is null', post('"headers":{"a":null}'), 'the value of "a"'],
    ['a header that is a list', post('"headers":{"a":["b"]}'), 'the value of "a"'],
    ['a header that is an object', post('"headers":{"__proto__":{}}'), 'the value of "__proto__"'],
    ['a header value with a line break', post('"headers":{"a":"b\\r\\nc: d"}'), 'the value of "a"'],
    ['a header value with LF', post('"headers":{"a":"b\\n"}'), 'the value of "a"'],
    ['a header value with NUL', post('"headers":{"a":"\\u0000"}'), 'the value of "a"'],
    ['a header value with DEL', post('"headers":{"a":"\\u007f"}'), 'the value of "a"'],
    ['a header value beyond Latin-1', post('"headers":{"a":"결제"}'), 'the value of "a"'],
    ['a header value whose low byte is LF', post('"headers":{"a":"\u010a"}'), 'the value of "a"'],
    ['no time', post('"timeoutMs":0'), '"timeoutMs"'],
    ['negative time', post('"timeoutMs":-1'), '"timeoutMs"'],
    ['half a millisecond', post('"timeoutMs":1.5'), '"timeoutMs"'],
    ['time as text', post('"timeoutMs":"1000"'), '"timeoutMs"'],
    ['endless time', post('"timeoutMs":1e999'), '"timeoutMs"'],
  ])('is refused, and the field is named: %s', (_, text, message) => {
    const error = refusal(text);
    expect(error).toMatchObject({
      code: 'invalid_request',
      status: 400,
      title: 'Invalid request',
      outcome: 'not_processed',
    });
    expect(error.message).toContain(message);
  });

  it('that is not to be believed crashes nothing: it is an envelope or a refusal', () => {
    const almost = fc
      .tuple(fc.constantFrom('method', 'path', 'hostname', 'headers', 'body', 'timeoutMs', '__proto__'), valueText)
      .chain((pair) =>
        objectText([
          ['"method"', '"PUT"'],
          ['"path"', '"/"'],
          [JSON.stringify(pair[0]), pair[1]],
        ]),
      );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array)),
      fc
        .oneof(fc.string({ unit: 'binary' }), valueText, almost, membersText.chain(objectText))
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          expect(parseEnvelope(input).path).toBe('/');
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProxyError', status: 400, outcome: 'not_processed' });
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a refusal', () => {
  it.each([
    ['{"method":"sk_canary","path":"/"}'],
    ['{"method":"GET","path":"sk_canary"}'],
    ['{"method":"GET","path":"/../sk_canary"}'],
    [post('"hostname":{"a":"sk_canary"}')],
    [post('"headers":"sk_canary"')],
    [post('"headers":{"a":"sk_canary\\n"}')],
    [post('"headers":{"a":["sk_canary"]}')],
    [post('"body":"sk_canary\\ud800"')],
    [post('"timeoutMs":"sk_canary"')],
    [post('"unknown":"sk_canary"')],
    ['{"method":"POST","path":"/pay","body":"sk_canary"'],
    ['sk_canary'],
    [post('"sk_canary\\n":1')],
    [post(`"${'x'.repeat(64)}sk_canary":1`)],
    [post('"headers":{"sk_canary\\u0000":1}')],
  ])('never holds what the caller sent: %s', (text) => {
    const error = refusal(text);
    expect(`${error.message} ${error.title} ${error.stack} ${String(error.cause)}`).not.toContain('sk_canary');
  });

  it('shows an unknown name in printable ASCII only, cut at 64 characters', () => {
    expect(refusal(post(`"${'x'.repeat(65)}":1`)).message).toContain(`"${'x'.repeat(64)}"…`);
    expect(refusal(post('"a\\"b":1')).message).toContain('"a\\"b" is not a field');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        fc.pre(!['method', 'path', 'hostname', 'headers', 'body', 'timeoutMs'].includes(name));
        expect(refusal(post(`${JSON.stringify(name)}:1`)).message).toMatch(/^[\x20-\x7e…]{1,250}$/);
      }),
    );
  });
});

describe('the body', () => {
  it.each([
    ['digits that a double cannot hold', '{"amount":12345678901234567890.10,"e":1E+2}'],
    ['the order of its keys', '{"b":1,"10":2,"a":3,"2":4}'],
    ['its own repeated keys', '{"a":1,"a":2}'],
    ['its white space', '{ "a" :\t[ 1 ,\r\n 2 ] }'],
    ['its escapes', '{"a":"\\u0041\\/\\ud800"}'],
    ['its Korean', '{"상품":"커피 한 잔","emoji":"💳"}'],
    ['an array', '[1,{"a":[]}]'],
    ['an empty array', '[ ]'],
  ])('keeps %s', (_, body) => {
    expect(parse(post(`"body": ${body} `)).body?.toString()).toBe(body);
  });

  it('is the exact bytes of any object or array, wherever it stands', () => {
    const bodyText = fc.oneof(valueText, membersText.chain(objectText)).filter((text) => /^[[{]/.test(text));
    const envelope = fc
      .tuple(bodyText, fc.nat(2), fc.constantFrom('"x"', '"결제 💳"'))
      .chain(([body, place, hostname]) => {
        const members: [string, string][] = [
          ['"method"', '"PATCH"'],
          ['"path"', '"/"'],
        ];
        members.splice(place, 0, ['"hostname"', hostname], ['"body"', body]);
        return objectText(members).map((text) => ({ text, body }));
      });
    fc.assert(
      fc.property(envelope, ({ text, body }) => {
        expect(parse(text).body?.toString()).toBe(/^\{\s*\}$/.test(body) ? undefined : body);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the characters of any string, as UTF-8', () => {
    fc.assert(
      fc.property(stringText, (text) => {
        const characters: string = JSON.parse(text);
        if (/\p{Surrogate}/u.test(characters)) {
          expect(refusal(post(`"body":${text}`)).message).toContain('"body"');
        } else {
          expect(parse(post(`"body":${text}`)).body?.toString()).toBe(characters || undefined);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['"{}"', '{}'],
    ['"null"', 'null'],
    ['" "', ' '],
    ['"a=1&b=%20"', 'a=1&b=%20'],
    ['"\\ud83d\\udcb3"', '💳'],
  ])('may be text of any kind: %s', (text, sent) => {
    expect(parse(post(`"body":${text}`)).body?.toString()).toBe(sent);
  });

  it.each([['{}'], ['{ \t\r\n }'], ['""'], ['null']])('is none when it is %s, on any method', (text) => {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      expect(parse(`{"method":"${method}","path":"/","body":${text}}`).body).toBeUndefined();
    }
  });

  it('may go with DELETE', () => {
    expect(parse('{"method":"delete","path":"/","body":{"a":1}}').body?.toString()).toBe('{"a":1}');
  });
});

describe('the headers', () => {
  it('keep their spelling and their order; numbers and booleans go as they are written', () => {
    const headers =
      '{"X-b":"é\\t","2":"two","1":1.50,"Big":12345678901234567890,"E":1E2,"T": true ,"F":false,"Empty":"","__proto__":"p"}';
    expect(parse(post(`"headers":${headers}`)).headers).toEqual([
      ['X-b', 'é\t'],
      ['2', 'two'],
      ['1', '1.50'],
      ['Big', '12345678901234567890'],
      ['E', '1E2'],
      ['T', 'true'],
      ['F', 'false'],
      ['Empty', ''],
      ['__proto__', 'p'],
    ]);
  });

  it('may be none', () => {
    expect(parse(post('"headers":{ }')).headers).toEqual([]);
  });

  it('may be 256, and one more is refused', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `"X-${index}":"v"`).join(',');
    expect(parse(post(`"headers":{${many(256)}}`)).headers).toHaveLength(256);
    for (const count of [257, 100_000]) {
      const error = refusal(post(`"headers":{${many(count)}}`));
      expect(error).toMatchObject({ code: 'invalid_request', status: 400, outcome: 'not_processed' });
      expect(error.message).toContain('"headers" holds more than 256');
    }
  });
});

describe('timeoutMs', () => {
  it.each([
    ['1', 1],
    ['1e3', 1000],
    ['2.0', 2],
    ['99999999999999999999', 1e20],
  ])('may be %s', (text, timeoutMs) => {
    expect(parse(post(`"timeoutMs":${text}`)).timeoutMs).toBe(timeoutMs);
  });
});
