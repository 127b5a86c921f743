/** Parses the dictionaries of RFC 8941 that signatures and digests use: items and inner lists with parameters. */

export interface Bare {
  readonly type: 'string' | 'token' | 'integer' | 'decimal' | 'bytes' | 'boolean';
  readonly value: string | number | boolean | Buffer;
}

export type Parameters = ReadonlyMap<string, Bare>;

export interface Member {
  /** The items of an inner list, or the one item. */
  readonly items: readonly { readonly bare: Bare; readonly parameters: Parameters }[];
  readonly isList: boolean;
  readonly parameters: Parameters;
  /** The text of the member as it was received. */
  readonly source: string;
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y;
const STRING = /"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;

/** @throws Error for anything that is not a dictionary, and for a key or parameter that occurs twice */
export function parseDictionary(text: string): ReadonlyMap<string, Member> {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at += match[0].length;
    return match ?? undefined;
  };
  const expect = (pattern: RegExp): RegExpExecArray => {
    const match = take(pattern);
    if (!match) throw new Error(`malformed at character ${at}`);
    return match;
  };
  const bare = (): Bare => {
    const number = take(NUMBER);
    if (number) return { type: number[0].includes('.') ? 'decimal' : 'integer', value: Number(number[0]) };
    const string = take(STRING);
    if (string) return { type: 'string', value: string[1]!.replaceAll(/\\(["\\])/g, '$1') };
    const bytes = take(BYTES);
    if (bytes) return { type: 'bytes', value: Buffer.from(bytes[1]!, 'base64') };
    const boolean = take(/\?([01])/y);
    if (boolean) return { type: 'boolean', value: boolean[1] === '1' };
    return { type: 'token', value: expect(TOKEN)[0] };
  };
  const parameters = (): Parameters => {
    const all = new Map<string, Bare>();
    while (take(/; */y)) {
      const name = expect(KEY)[0];
      if (all.has(name)) throw new Error(`parameter ${name} twice`);
      all.set(name, take(/=/y) ? bare() : { type: 'boolean', value: true });
    }
    return all;
  };
  const member = (): Member => {
    const begin = at;
    const items: Member['items'][number][] = [];
    const isList = take(/\(/y) !== undefined;
    if (isList) {
      for (take(/ */y); !take(/\)/y); ) {
        items.push({ bare: bare(), parameters: parameters() });
        if (text[at] !== ')') expect(/ +(?!\))| +(?=\))/y);
      }
    } else {
      items.push({ bare: bare(), parameters: new Map() });
    }
    return { items, isList, parameters: parameters(), source: text.slice(begin, at) };
  };
  const members = new Map<string, Member>();
  take(/ */y);
  while (at < text.length) {
    const key = expect(KEY)[0];
    if (members.has(key)) throw new Error(`${key} twice`);
    expect(/=/y);
    members.set(key, member());
    if (at < text.length && !/^[ \t]*$/.test(text.slice(at))) expect(/[ \t]*,[ \t]*(?=.)/y);
    else break;
  }
  return members;
}
