/** Compares the members of a request with those that its schema declares. */
import type { GradedExchange } from '../graded-exchange.ts';
import { clip, isObject, type JsonObject, membersOf, pointerTo, show } from '../json.ts';
import type { Finding, Findings } from '../judge.ts';
import { passUnless, violation } from './findings.ts';

export interface Members {
  readonly required: Readonly<Record<string, Test>>;
  readonly optional: Readonly<Record<string, Test>>;
}

/** A predicate for a value and the description of such values. */
export interface Test {
  readonly expected: string;
  test(value: unknown): boolean;
}

export const isText: Test = { expected: 'a string', test: (value) => typeof value === 'string' };
export const isMetadata: Test = { expected: 'an object', test: isObject };
/** Another requirement judges the value. */
export const isAnything: Test = { expected: 'any value', test: () => true };

/** Undeclared members that are reported. */
const MAX_EXTRA = 5;

/** Undefined for content that was not read. */
export const judgeMembersOf = (exchange: GradedExchange, members: Members): Findings =>
  exchange.isBodyUnread ? undefined : passUnless(compareMembers(exchange.body, members));

/** Violations by JSON pointer. */
function compareMembers(body: unknown, { required, optional }: Members): Finding[] {
  if (!isObject(body)) return [violation('The content is not a JSON object.', { expected: 'a JSON object' })];
  const declared = { ...optional, ...required };
  const missing = Object.keys(required).filter((name) => !Object.hasOwn(body, name));
  const wrong = Object.entries(declared).filter(([name, { test }]) => Object.hasOwn(body, name) && !test(body[name]));
  const extra = membersOf(body).filter(([name]) => !Object.hasOwn(declared, name));
  return [
    ...missing.map((name) => violation(`\`${name}\` is missing.`, { expected: required[name]!.expected })),
    ...wrong.map(([name, { expected }]) =>
      violation(`\`${pointerTo(name)}\` has a wrong value.`, { expected, actual: show(body[name]) }),
    ),
    ...extra.slice(0, MAX_EXTRA).map(([name]) =>
      violation(`The schema does not declare \`${clip(pointerTo(name), 60)}\`.`, {
        expected: `only ${Object.keys(declared).join(', ')}`,
      }),
    ),
  ];
}

/** Names of those members that are present. */
export const presentOf = (body: unknown, names: readonly string[]): string[] =>
  isObject(body) ? names.filter((name) => Object.hasOwn(body as JsonObject, name)) : [];
