// Dictionaries of structured fields: RFC 9651 §3.2, §4.2.2, with what a verifier needs besides the values: each
// member's text as received (RFC 9421 §2.5) and whether a key stood twice (SIG-02, SIG-N03).
import { type InnerList, type Item, parseDictionary } from 'structured-headers';

export interface DictionaryMember {
  readonly key: string;
  /** Text after `key=` exactly as received; empty for a bare key. */
  readonly raw: string;
  readonly value: Item | InnerList;
}

export type ReadDictionary =
  | { readonly ok: true; readonly members: readonly DictionaryMember[] }
  | { readonly ok: false; readonly fault: 'syntax' | 'duplicate_key'; readonly detail: string };

/** Parses a combined field value strictly. A key that stands twice is refused instead of overwritten. Never throws. */
export function readDictionary(text: string): ReadDictionary {
  let values: Map<string, Item | InnerList>;
  try {
    values = parseDictionary(text);
  } catch (error) {
    return { ok: false, fault: 'syntax', detail: error instanceof Error ? error.message : 'not a dictionary' };
  }
  const members: DictionaryMember[] = [];
  const seen = new Set<string>();
  for (const part of splitOutsideStrings(text, ',')) {
    const equals = part.search(/[=;]/);
    const key = equals < 0 ? part.trim() : part.slice(0, equals).trim();
    const value = values.get(key);
    if (value === undefined) continue;
    if (seen.has(key)) return { ok: false, fault: 'duplicate_key', detail: `key ${key} stands twice` };
    seen.add(key);
    members.push({ key, raw: part[equals] === '=' ? part.slice(equals + 1).trimEnd() : '', value });
  }
  return { ok: true, members };
}

/**
 * Parameters of a member whose text parsed, as name and literal text (`created`, `1618884473`). Literals are needed
 * because a parsed value no longer shows whether it was an integer or a decimal, nor whether the name stood twice.
 */
export function readParameterLiterals(raw: string): [name: string, literal: string][] {
  const start = raw.startsWith('(') ? endOfInnerList(raw) : 0;
  return splitOutsideStrings(raw.slice(start), ';')
    .slice(1)
    .map((part) => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part.trim(), ''] : [part.slice(0, equals).trim(), part.slice(equals + 1)];
    });
}

function endOfInnerList(raw: string): number {
  let quoted = false;
  for (let i = 0; i < raw.length; i++) {
    if (quoted && raw[i] === '\\') i++;
    else if (raw[i] === '"') quoted = !quoted;
    else if (raw[i] === ')' && !quoted) return i + 1;
  }
  return raw.length;
}

function splitOutsideStrings(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (quoted && text[i] === '\\') i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
