/** Reads JSON that `JSON.parse` has accepted by its tokens, so that each value keeps its own spelling. */

export type Kind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

export function kindOf(text: string): Kind {
  const first = text.trimStart()[0] ?? '';
  if (first === '{') return 'object';
  if (first === '[') return 'array';
  if (first === '"') return 'string';
  if (first === 'n') return 'null';
  return first === 't' || first === 'f' ? 'boolean' : 'number';
}

export function stringOf(text: string): string {
  return String(JSON.parse(text));
}

/** Each name, decoded, and its value as it is written, in the order of the text; repeated names included. */
export function membersOf(object: string): readonly (readonly [name: string, value: string])[] {
  const members: (readonly [string, string])[] = [];
  let depth = 0;
  let name: string | undefined;
  let start = 0;
  let end = 0;
  for (const { 0: token, index } of object.matchAll(TOKEN)) {
    if (token === '}' || token === ']') depth -= 1;
    const endsMember = (depth === 1 && token === ',') || (depth === 0 && token === '}');
    if (endsMember && name !== undefined) {
      members.push([name, object.slice(start, end)]);
      name = undefined;
    } else if (depth === 1 && name === undefined) {
      name = stringOf(token);
      start = 0;
    } else if (start === 0 && token !== ':') {
      start = index;
    }
    if (token === '{' || token === '[') depth += 1;
    end = index + token.length;
  }
  return members;
}
