/**
 * Dictionaries of structured fields (RFC 8941 §3.2, §4.2.2), on which RFC 9421 and RFC 9530 build. One parse yields
 * each member's values together with its text as received, so that what is checked is what was signed (RFC 9421 §2.5,
 * §7.5.3). Stricter than RFC 8941 in one point: a repeated key or parameter is an error; the last one does not win
 * (SIG-02). Dates and display strings, which RFC 9651 added, are not part of these fields.
 */

/** A bare item with its type, since a value alone tells neither a token from a string nor `1` from `1.0`. */
export type BareItem =
  | { readonly type: 'string' | 'token'; readonly value: string }
  | { readonly type: 'integer' | 'decimal'; readonly value: number }
  | { readonly type: 'bytes'; readonly value: Buffer }
  | { readonly type: 'boolean'; readonly value: boolean };

export type Parameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly bare: BareItem;
  readonly parameters: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: Parameters;
}

export interface DictionaryMember {
  readonly key: string;
  /** Text after `key=` exactly as received, from which `value` was parsed. */
  readonly raw: string;
  readonly value: Item | InnerList;
}

export type ParsedDictionary =
  | { readonly ok: true; readonly members: readonly DictionaryMember[]; readonly hasUnquotedNames: boolean }
  | { readonly ok: false; readonly fault: Fault; readonly detail: string };

type Fault = 'syntax' | 'duplicate_key' | 'duplicate_parameter';

export interface DictionaryOptions {
  /** Also take inner lists of component names without quotes, `(@method date)`, as strings (SIG-26). */
  readonly unquotedNames?: boolean;
}

/** Parses a combined field value. Never throws. */
export function parseDictionary(text: string, { unquotedNames = false }: DictionaryOptions = {}): ParsedDictionary {
  const parser = new DictionaryParser(text, unquotedNames);
  try {
    return { ok: true, members: parser.parseMembers(), hasUnquotedNames: parser.hasUnquotedNames };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { ok: false, fault: error.fault, detail: error.message };
  }
}

class FieldError extends Error {
  readonly fault: Fault;
  constructor(fault: Fault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Patterns at the place of the parser. They are made once, because each evaluation of a literal makes another one. */
const SPACES = / */y;
const EQUALS = /=/y;
const WHITESPACE = /[ \t]*/y;
const COMMA = /,[ \t]*/y;
const OPENING = /\( */y;
const CLOSING = /\)/y;
const AFTER_ITEM = / +|(?=\))/y;
const UNQUOTED_NAME = /[@a-z][a-z0-9_.-]*(?=[ )])/y;
const SEMICOLON = /; */y;
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/y;
const NUMBER = /-?[0-9]+(?:\.[0-9]+)?/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const BOOLEAN = /\?[01]/y;

class DictionaryParser {
  readonly text: string;
  readonly unquotedNames: boolean;
  hasUnquotedNames = false;
  /** Offset of the next character. */
  private at = 0;

  constructor(text: string, unquotedNames: boolean) {
    this.text = text;
    this.unquotedNames = unquotedNames;
  }

  parseMembers(): DictionaryMember[] {
    const members = new Map<string, DictionaryMember>();
    this.take(SPACES);
    while (this.at < this.text.length) {
      const key = this.parseKey();
      if (members.has(key)) throw new FieldError('duplicate_key', `${key} occurs twice`);
      const hasValue = this.take(EQUALS) !== undefined;
      const start = this.at;
      const value = hasValue ? this.parseValue() : { bare: TRUE, parameters: this.parseParameters() };
      members.set(key, { key, raw: this.text.slice(start, this.at), value });
      this.take(WHITESPACE);
      if (this.at === this.text.length) break;
      this.expect(COMMA, 'a comma');
      if (this.at === this.text.length) throw this.expected('another member');
    }
    return [...members.values()];
  }

  private parseValue(): Item | InnerList {
    return this.take(OPENING) === undefined ? this.parseItem() : this.parseInnerList();
  }

  private parseInnerList(): InnerList {
    const items: Item[] = [];
    while (this.take(CLOSING) === undefined) {
      items.push(this.parseItem(this.unquotedNames));
      this.expect(AFTER_ITEM, 'a space or a closing parenthesis');
    }
    return { items, parameters: this.parseParameters() };
  }

  private parseItem(mayBeUnquoted = false): Item {
    const name = mayBeUnquoted ? this.take(UNQUOTED_NAME) : undefined;
    if (name === undefined) return { bare: this.parseBareItem(), parameters: this.parseParameters() };
    this.hasUnquotedNames = true;
    return { bare: { type: 'string', value: name }, parameters: new Map() };
  }

  private parseParameters(): Parameters {
    const parameters = new Map<string, BareItem>();
    while (this.take(SEMICOLON) !== undefined) {
      const key = this.parseKey();
      if (parameters.has(key)) throw new FieldError('duplicate_parameter', `the parameter ${key} occurs twice`);
      parameters.set(key, this.take(EQUALS) === undefined ? TRUE : this.parseBareItem());
    }
    return parameters;
  }

  private parseKey(): string {
    return this.expect(KEY, 'a key');
  }

  private parseBareItem(): BareItem {
    const string = this.take(STRING);
    if (string !== undefined) return { type: 'string', value: string.slice(1, -1).replaceAll(/\\(.)/g, '$1') };
    const number = this.take(NUMBER);
    if (number !== undefined) return this.toNumber(number);
    const bytes = this.take(BYTES);
    if (bytes !== undefined) return this.decodeBytes(bytes.slice(1, -1));
    const token = this.take(TOKEN);
    if (token !== undefined) return { type: 'token', value: token };
    return { type: 'boolean', value: this.expect(BOOLEAN, 'an item of RFC 8941') === '?1' };
  }

  private toNumber(literal: string): BareItem {
    if (/^-?\d{1,15}$/.test(literal)) return { type: 'integer', value: Number(literal) };
    if (/^-?\d{1,12}\.\d{1,3}$/.test(literal)) return { type: 'decimal', value: Number(literal) };
    throw this.expected('a number within the range of structured fields');
  }

  /** Padding may be left out (RFC 8941 §4.2.7), but must be right where it is written. */
  private decodeBytes(base64: string): BareItem {
    const unpadded = base64.replaceAll('=', '');
    const isPadded = unpadded !== base64;
    if (unpadded.length % 4 === 1 || (isPadded && base64.length % 4 !== 0)) throw this.expected('base64');
    return { type: 'bytes', value: Buffer.from(unpadded, 'base64') };
  }

  /** Consumes what the sticky pattern matches here; undefined if it does not match. */
  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const taken = pattern.exec(this.text)?.[0];
    if (taken !== undefined) this.at += taken.length;
    return taken;
  }

  private expect(pattern: RegExp, what: string): string {
    const taken = this.take(pattern);
    if (taken === undefined) throw this.expected(what);
    return taken;
  }

  private expected(what: string): FieldError {
    return new FieldError('syntax', `expected ${what} at offset ${this.at}`);
  }
}

const TRUE: BareItem = { type: 'boolean', value: true };
