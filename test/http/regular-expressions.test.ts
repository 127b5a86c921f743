/**
 * Every regular expression of the sources, and every pattern of the OpenAPI documents, takes linear time on every
 * input: the checker `recheck` looks for an attack by automaton or by fuzzing. Left out is the command line.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';

// The native program of the checker, where there is one for this platform, takes a fifth of the time of JavaScript.
const packages = join(import.meta.dirname, '..', '..', 'node_modules');
const isNative = globSync('recheck-*/recheck{,.exe}', { cwd: packages }).length > 0;
process.env.RECHECK_BACKEND = isNative ? 'native' : 'pure';
const { check } = await import('recheck');

const root = join(import.meta.dirname, '..', '..');

interface Expression {
  /** File and line. */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

/** Literals, and `new RegExp` of a text. Any other argument of `RegExp` is an error: it could not be checked. */
function expressionsIn(file: string, text: string): Expression[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Expression[] = [];
  const add = (node: ts.Node, source: string, flags: string): void => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    found.push({ place: `${file}:${line}`, source, flags });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const { source, flags } = new RegExp(
        node.text.slice(1, node.text.lastIndexOf('/')),
        node.text.slice(node.text.lastIndexOf('/') + 1),
      );
      add(node, source, flags);
    } else if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp') {
      const [source, flags] = node.arguments ?? [];
      assert.ok(source && ts.isStringLiteralLike(source), `${file}: RegExp is built from ${source?.getText()}`);
      add(node, source.text, flags && ts.isStringLiteralLike(flags) ? flags.text : '');
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Ajv compiles patterns with the flag u. */
function patternsIn(place: string, schema: unknown): Expression[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([name, member]) =>
    name === 'pattern' && typeof member === 'string'
      ? [{ place, source: member, flags: 'u' }]
      : patternsIn(place, member),
  );
}

/** In steps instead of time, so that the verdict is the same on a busy machine. */
const limits = {
  randomSeed: 1,
  incubationLimit: 5_000,
  attackLimit: 50_000_000,
  timeout: null,
  seedingTimeout: null,
  incubationTimeout: null,
  attackTimeout: null,
};

/**
 * The attack that makes an expression slow; undefined if it is linear. The automaton decides for certain; the search
 * for an attack, which takes longer, is for expressions that no automaton describes, such as those with look-ahead.
 */
async function findAttack({ source, flags }: Omit<Expression, 'place'>): Promise<string | undefined> {
  const checkBy = (checker: 'automaton' | 'fuzz') => check(source, flags.replace('v', 'u'), { checker, ...limits });
  const exact = await checkBy('automaton');
  const result = exact.status === 'unknown' ? await checkBy('fuzz') : exact;
  if (result.status === 'safe') return undefined;
  return result.status === 'vulnerable'
    ? `${result.complexity.summary}: ${result.attack.pattern}`
    : JSON.stringify(result.error);
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const sources = globSync('src/**/*.ts', { cwd: root })
  .filter((file) => !file.startsWith('src/cli/'))
  .flatMap((file) => expressionsIn(file, read(file)));
const documents = globSync('generated/*/document.json', { cwd: root }).flatMap((file) =>
  patternsIn(file, JSON.parse(read(file))),
);
const unique = new Map(
  [...sources, ...documents].map((expression) => [`/${expression.source}/${expression.flags}`, expression]),
);

describe('expressions that were slow are recognised', () => {
  for (const [source, flags] of [
    ['0+$', ''],
    ['^(https|http)://(.+)/incoming-payments/(.+)$', 'u'],
    ['^(a|a)*$', ''],
    // Not decided by an automaton.
    ['^(?=a)(a|a)*$', ''],
  ] as const) {
    test(`/${source}/${flags}`, async () =>
      assert.match((await findAttack({ source, flags })) ?? 'linear', /polynomial|exponential/));
  }
});

test('sources and documents are searched', () => {
  assert.ok(sources.length > 80 && documents.length > 15, `${sources.length} literals, ${documents.length} patterns`);
  assert.deepEqual(
    expressionsIn('a.ts', 'const a = /b\\/c/giu;\nf(new RegExp("d+", "u"));').map(({ place, source, flags }) => [
      place,
      source,
      flags,
    ]),
    [
      ['a.ts:1', 'b\\/c', 'giu'],
      ['a.ts:2', 'd+', 'u'],
    ],
  );
});

describe('expressions take linear time', () => {
  for (const [name, { place, ...expression }] of unique) {
    test(`${name} (${place})`, async () => assert.equal(await findAttack(expression), undefined));
  }
});
