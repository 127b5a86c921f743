/**
 * Mutants: one rule of the server broken on purpose, so that a check which should notice is seen to notice.
 *
 * A mutant replaces one expression of a source file while it is active. `at` quotes the source with the expression
 * between « and »; the text around it makes the place unique. The source itself never changes: `register.ts` puts
 * `(active ? by : expression)` there when the module is loaded.
 *
 * ```ts
 * {
 *   id: 'continuation.wait-ignored',
 *   file: 'src/auth/continuation.ts',
 *   at: 'if («open && now < grant.continuedAt + grant.wait * 1000») throw',
 *   by: 'false',
 *   fails: ['continuation.too-fast'],
 * }
 * ```
 *
 * A rule that is a function of the module is broken by its name instead: `{ function: 'isOpen', returns: 'true' }`.
 */
import { createRequire } from 'node:module';

export interface Mutant extends Partial<Quote>, Partial<NamedFunction> {
  /** `area.what-is-broken`, unique. */
  readonly id: string;
  /** Path from the root of the project. */
  readonly file: string;
  /** Ids of the conformance checks that must fail; `*` stands for any part of one, `?` for a character. */
  readonly fails?: readonly string[];
  /** Path of a test file that must fail instead, from the root of the project; the mutant is active from its start. */
  readonly test?: string;
  /** Part of the titles of those tests of the file that are run; default all of them. */
  readonly title?: string;
  /**
   * From when on it is active: once the world runs and its addresses are read (default), before the world is founded,
   * or before the code is loaded, for expressions at the top level of a module.
   */
  readonly from?: 'running' | 'founding' | 'loading';
  /** Profile of the world for checks that hold in both; default `compat`. */
  readonly profile?: 'strict' | 'compat';
  /** Further places, for a rule that is written twice. */
  readonly also?: readonly (Quote & Pick<Mutant, 'file'>)[];
  /** Checks that run before those in `fails`, in the same run: what `answers.match-documents` judges. */
  readonly after?: readonly string[];
}

interface Quote {
  /** Quoted source with the expression to replace between « and ». */
  readonly at: string;
  /** The expression to use instead. */
  readonly by: string;
}

interface NamedFunction {
  /** Name of a function at the top level of the module. */
  readonly function: string;
  /** The expression that it returns instead; it may use the parameters. */
  readonly returns: string;
}

declare global {
  /** Id of the active mutant. */
  var touchstoneMutant: string | undefined;
  /** Why mutants could not be put in, by id. */
  var staleMutants: ReadonlyMap<string, string>;
}

/** Mutants of one file that tests of one file must notice. */
export const noticedBy = (test: string, file: string, mutants: readonly Omit<Mutant, 'file' | 'test'>[]): Mutant[] =>
  mutants.map((mutant) => ({ ...mutant, file, test }));

/** Each place of each mutant as a separate mutant. */
export const placesOf = (mutants: readonly Mutant[]): Mutant[] =>
  mutants.flatMap(({ also = [], ...mutant }) => [
    mutant,
    ...also.map(({ file, at, by }) => {
      const { function: _, returns: __, ...rest } = mutant;
      return { ...rest, file, at, by };
    }),
  ]);

interface Place {
  readonly start: number;
  readonly end: number;
  readonly mutants: Mutant[];
  readonly inner: Place[];
}

/** The source of a file with all mutants in it, none active. Throws an Error for one whose place is not there once. */
export function instrument(source: string, mutants: readonly Mutant[]): string {
  const places: Place[] = [];
  const code = withoutLayout(source);
  for (const mutant of mutants) {
    const { start, end } = mutant.function ? findBody(source, mutant.id, mutant.function) : findPlace(code, mutant);
    const same = places.find((place) => place.start === start && place.end === end);
    if (same) same.mutants.push(mutant);
    else places.push({ start, end, mutants: [mutant], inner: [] });
  }
  // Widest first, so that each place finds the ones around it already there.
  places.sort((a, b) => b.end - b.start - (a.end - a.start));
  const root: Place = { start: 0, end: source.length, mutants: [], inner: [] };
  for (const place of places) nest(root, place);
  return render(source, root);
}

/** The body of a function: of an arrow function its expression, else the empty place before its first statement. */
function findBody(source: string, id: string, name: string): { start: number; end: number } {
  // Loaded on demand: most files have only quoted mutants.
  const ts: typeof import('typescript') = createRequire(import.meta.url)('typescript');
  const { statements } = ts.createSourceFile('module.ts', source, ts.ScriptTarget.Latest, true);
  for (const statement of statements) {
    const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [];
    const arrow = declarations.find((declaration) => declaration.name.getText() === name)?.initializer;
    const declared = ts.isFunctionDeclaration(statement) && statement.name?.text === name ? statement : arrow;
    if (!declared || !(ts.isFunctionDeclaration(declared) || ts.isArrowFunction(declared)) || !declared.body) continue;
    const { body } = declared;
    if (!ts.isBlock(body)) return { start: body.getStart(), end: body.getEnd() };
    return { start: body.getStart() + 1, end: body.getStart() + 1 };
  }
  throw new Error(`${id}: the source does not define the function ${name}`);
}

/** Finds the quoted text whatever the formatter does to its white space. */
function findPlace(code: Code, { id, at = '' }: Mutant): { start: number; end: number } {
  const [before, expression, after, ...rest] = at.split(/[«»]/);
  if (expression === undefined || after === undefined || rest.length > 0)
    throw new Error(`${id}: mark «one» expression`);
  const parts = [before!, expression, after].map((part) => withoutLayout(part).text);
  const text = withoutLayout(before + expression + after).text.replace(/,$/, '');
  const found = code.text.indexOf(text);
  if (found === -1) throw new Error(`${id}: the source does not hold ${before + expression + after}`);
  if (code.text.indexOf(text, found + 1) !== -1) throw new Error(`${id}: the source holds more than once ${text}`);
  // In parentheses a list is its last member, and a method has lost its object.
  if (hasComma(expression)) throw new Error(`${id}: mark one expression, not a list`);
  if (after.startsWith('(')) throw new Error(`${id}: mark the call, not what is called`);
  const first = found + parts[0]!.length;
  const last = first + parts[1]!.length - 1;
  return { start: code.offsets[first]!, end: code.offsets[last]! + 1 };
}

/** A text without white space and trailing commas, and the offset of each remaining character. */
interface Code {
  readonly text: string;
  readonly offsets: readonly number[];
}

function withoutLayout(source: string): Code {
  let text = '';
  const offsets: number[] = [];
  for (let index = 0; index < source.length; index += 1) {
    const character = source[index]!;
    if (/\s/.test(character)) continue;
    if (character === ',' && /^,\s+[)\]}]/.test(source.slice(index, index + 100))) continue;
    text += character;
    offsets.push(index);
  }
  return { text, offsets };
}

/** True if there is a comma outside all brackets and quotes. */
function hasComma(expression: string): boolean {
  const strings =
    /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\/(?![\s/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\]|\\.)*\])+\//g;
  let depth = 0;
  for (const character of expression.replaceAll(strings, '')) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) return true;
  }
  return false;
}

function nest(outer: Place, place: Place): void {
  for (const inner of outer.inner) {
    if (inner.start <= place.start && place.end <= inner.end) {
      nest(inner, place);
      return;
    }
    if (place.start < inner.end && inner.start < place.end) {
      throw new Error(
        `${place.mutants[0]!.id} overlaps ${inner.mutants[0]!.id}: mark the same or a smaller expression`,
      );
    }
  }
  outer.inner.push(place);
}

function render(source: string, { start, end, mutants, inner }: Place): string {
  let text = '';
  let position = start;
  for (const place of inner.toSorted((a, b) => a.start - b.start)) {
    text += source.slice(position, place.start) + render(source, place);
    position = place.end;
  }
  text += source.slice(position, end);
  for (const { id, by, returns } of mutants) {
    const isActive = `globalThis.touchstoneMutant === ${JSON.stringify(id)}`;
    if (start === end) text = ` if (${isActive}) return (${returns});${text}`;
    else text = `(${isActive} ? (${returns ?? by}) : (${text}))`;
  }
  return text;
}
