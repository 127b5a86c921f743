/**
 * Parsers of the members of a parsed YAML or JSON document, which collect all mistakes with their places. YAML gives
 * every scalar as text (`yaml.ts`); JSON from the control API also has numbers and booleans.
 */
import { didYouMean } from '../../errors.ts';

export interface Mistake {
  readonly at: string;
  /** One line. */
  readonly sentence: string;
}

/** A place in the document. The parsed values are valid only if `mistakes` is empty at the end. */
export interface Place {
  /** A path such as `ases[0].wallets[2].path`; empty at the top. */
  readonly at: string;
  readonly mistakes: Mistake[];
}

export type Reader<T> = (value: unknown, place: Place) => T;

interface Optional<T> {
  readonly optional: Reader<T>;
}

/** A member that may be missing. */
export const optional = <T>(reader: Reader<T>): Optional<T> => ({ optional: reader });

type Members = Readonly<Record<string, Reader<unknown> | Optional<unknown>>>;
type OptionalNames<M extends Members> = { [N in keyof M]: M[N] extends Optional<unknown> ? N : never }[keyof M];
type Read<M extends Members> = {
  readonly [N in Exclude<keyof M, OptionalNames<M>>]: M[N] extends Reader<infer T> ? T : never;
} & { readonly [N in OptionalNames<M>]?: M[N] extends Optional<infer T> ? T : never };

/** Records a mistake. The returned value is never used, because the caller then throws. */
export function mistaken(place: Place, sentence: string): never {
  place.mistakes.push({ at: place.at, sentence });
  return undefined as never;
}

const within = ({ at, mistakes }: Place, member: string): Place => ({ at: at ? `${at}.${member}` : member, mistakes });

/** An object of known members. For an unknown member, the message suggests the nearest known one. */
export function object<M extends Members>(members: M): Reader<Read<M>> {
  const known = Object.keys(members);
  return (value, place) => {
    if (!isObject(value)) return mistaken(place, `expected an object with ${known.join(', ')}, not ${describe(value)}`);
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue;
      mistaken(
        within(place, name),
        `unknown member${didYouMean(name, known) || `; the members are ${known.join(', ')}`}`,
      );
    }
    const entries = Object.entries(members).flatMap(([name, member]) => {
      const content = Object.hasOwn(value, name) ? value[name] : undefined;
      const inner = within(place, name);
      if (typeof member !== 'function') {
        return content === undefined || content === null ? [] : [[name, member.optional(content, inner)]];
      }
      return [[name, content === undefined ? mistaken(inner, 'is missing') : member(content, inner)]];
    });
    return Object.fromEntries(entries);
  };
}

/** A list with at least `least` items. */
export function list<T>(reader: Reader<T>, least = 0): Reader<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) return mistaken(place, `expected a list, not ${describe(value)}`);
    if (value.length < least) return mistaken(place, `expected at least ${least} of them`);
    return value.map((item, index) => reader(item, { ...place, at: `${place.at}[${index}]` }));
  };
}

/** An object with arbitrary member names. */
export function record<T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, place) => {
    if (!isObject(value)) return mistaken(place, `expected an object, not ${describe(value)}`);
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        name,
        reader(item, { ...place, at: `${place.at}[${JSON.stringify(name)}]` }),
      ]),
    );
  };
}

/** Text that `parse` accepts. It returns undefined for anything but the expected, or throws an Error with the reason. */
export function text<T>(expected: string, parse: (value: string) => T | undefined): Reader<T> {
  return (value, place) => {
    // JSON has 1.08 and 1000 as numbers, although text of the same digits is meant.
    if (typeof value !== 'string' && typeof value !== 'number') {
      return mistaken(place, `expected ${expected}, not ${describe(value)}`);
    }
    if (typeof value === 'number' && !isExact(value)) {
      return mistaken(place, 'this number loses digits in JSON: write it as a string');
    }
    try {
      return parse(String(value)) ?? mistaken(place, `expected ${expected}, not '${value}'`);
    } catch (error) {
      return mistaken(place, (error as Error).message);
    }
  };
}

/** A whole number in a range. */
export function integer(least: number, most: number): Reader<number> {
  return (value, place) => {
    const number = typeof value === 'string' && /^(0|[1-9][0-9]{0,15})$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && (number as number) >= least && (number as number) <= most
      ? (number as number)
      : mistaken(place, `expected a whole number from ${least} to ${most}, not ${describe(value)}`);
  };
}

export const boolean: Reader<boolean> = (value, place) => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return mistaken(place, `expected true or false, not ${describe(value)}`);
};

/** Minor units, as a number or as text. */
export const amount = (least: bigint, most: bigint): Reader<bigint> =>
  text(`minor units, a whole number from ${least} to ${most}`, (digits) => {
    if (!/^(0|[1-9][0-9]{0,19})$/.test(digits)) return undefined;
    const value = BigInt(digits);
    return value >= least && value <= most ? value : undefined;
  });

/** Numbers of at most 15 digits without an exponent are as the author wrote them. */
const isExact = (value: number): boolean => /^-?[0-9.]{1,16}$/.test(String(value));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Describes a value without quoting text, which could be a secret, unless it looks like a number. */
function describe(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' && !/^-?[0-9.]{1,20}$/.test(value) ? 'text' : `${value}`;
}
