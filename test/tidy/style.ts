/**
 * The machine-checkable part of the style guide in CONTRIBUTING: function length, line width, comment form and words
 * that do not read as plain English. `node test/tidy/style.ts [PATH …]` lists the problems below these paths.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..', '..');

/** Longest function in `src/`, in lines. */
const MAX_FUNCTION_LINES = 70;
const MAX_WIDTH = 120;

/** A longer function says why in a comment that contains this word. */
const EXEMPTION = 'long-function:';

/** Openings that make a comment a fragment instead of a sentence or a noun phrase. */
const fragment =
  /^(Of|By|As|Whose|Whoever|Who|What|Whether|Which|For whoever|For nobody|That|Those who|Nobody|None of)\b/;

/** Phrases of a private dialect. Each has a plain equivalent; see the style guide. */
const dialect =
  /\b(?:(?:is|are|was|were) no (?:such )?[a-z]+|nobody|whoever|of ours|of (?:its|their|his|her|theirs) own|stands?|stood|(?:is|are|was|were|be) told|tells? of|told of|hears? of|is up to|sees to|to the letter|lent|lends?|takes? up|mends?|mended)\b/i;

/** These read naturally and are not the dialect. */
const natural = /\b(?:(?:is|are|was|were) no longer|stands? for|standstill|is told apart)\b/gi;

export interface StyleProblem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

export function listFiles(paths: readonly string[] = []): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...paths], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((file) => /\.(ts|mjs|md|yaml)$/.test(file))
    .filter((file) => !file.startsWith('generated/') && existsSync(join(root, file)));
}

export function listStyleProblems(files: readonly string[]): StyleProblem[] {
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (file.endsWith('.md') || file.endsWith('.yaml')) return proseProblems(file, text);
    return codeProblems(file, text);
  });
}

function proseProblems(file: string, text: string): StyleProblem[] {
  return text.split('\n').flatMap((line, index) => {
    const found = dialect.exec(line.replaceAll(natural, ''));
    return found ? [{ file, line: index + 1, problem: `not plain English: “${found[0]}”` }] : [];
  });
}

function codeProblems(file: string, text: string): StyleProblem[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const problems: StyleProblem[] = [];
  const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const report = (position: number, problem: string): void => {
    problems.push({ file, line: lineAt(position), problem });
  };
  text.split('\n').forEach((line, index) => {
    if (line.length > MAX_WIDTH && !/https?:\/\/|^\s*\S+$/.test(line) && !/['"`/]/.test(line)) {
      problems.push({ file, line: index + 1, problem: `wider than ${MAX_WIDTH} columns` });
    }
  });
  for (const { start, words } of commentsOf(source, text)) {
    const opening = fragment.exec(words);
    if (opening) report(start, `a comment is a sentence or a noun phrase, and does not begin with “${opening[0]}”`);
    const found = dialect.exec(words.replaceAll(natural, ''));
    if (found) report(start, `not plain English: “${found[0]}”`);
  }
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node)) {
      const words = node.getText(source);
      const found = / .* /.test(words) ? dialect.exec(words.replaceAll(natural, '')) : null;
      if (found) report(node.getStart(source), `not plain English: “${found[0]}”`);
    }
    if (file.startsWith('src/') && isFunction(node) && node.body) checkLength(node, node.body);
    ts.forEachChild(node, visit);
  };
  const checkLength = (node: ts.Node, body: ts.Node): void => {
    const lines = lineAt(node.getEnd()) - lineAt(node.getStart(source)) + 1;
    const exempt = text.slice(node.getFullStart(), body.getEnd()).includes(EXEMPTION);
    if (lines > MAX_FUNCTION_LINES && !exempt) {
      report(node.getStart(source), `function of ${lines} lines, longer than ${MAX_FUNCTION_LINES}`);
    }
  };
  visit(source);
  return problems;
}

const isFunction = (
  node: ts.Node,
): node is ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction | ts.MethodDeclaration =>
  ts.isFunctionDeclaration(node) ||
  ts.isFunctionExpression(node) ||
  ts.isArrowFunction(node) ||
  ts.isMethodDeclaration(node);

/** Each comment with its words: consecutive `//` lines count as one comment. */
function commentsOf(source: ts.SourceFile, text: string): { start: number; words: string }[] {
  const comments: { start: number; end: number; words: string; isLine: boolean }[] = [];
  for (const [pos, end] of findComments(source, text)) {
    const isLine = text[pos + 1] === '/';
    const words = text
      .slice(pos, end)
      .replaceAll(/^\/\*+|\*\/$|^\s*\*(?=\s|$)|^\/\/+/gm, '')
      .replaceAll(/\s+/g, ' ')
      .replace(/^[\s─]+/, '')
      .trim();
    const last = comments.at(-1);
    if (
      isLine &&
      last?.isLine &&
      /^\s*$/.test(text.slice(last.end, pos)) &&
      !/\n\s*\n/.test(text.slice(last.end, pos))
    ) {
      last.words += ` ${words}`;
      last.end = end;
    } else comments.push({ start: pos, end, words, isLine });
  }
  return comments;
}

/** Start and end of each comment: what looks like one outside the literals. The tokens of a file are far more. */
function* findComments(source: ts.SourceFile, text: string): Generator<readonly [start: number, end: number]> {
  const ends = new Map<number, number>();
  const visit = (node: ts.Node): void => {
    if (ts.isLiteralExpression(node) || ts.isTemplateLiteralToken(node)) ends.set(node.getStart(source), node.getEnd());
    else ts.forEachChild(node, visit);
  };
  visit(source);
  const openings = /["'`/}]/g;
  for (let found = openings.exec(text); found !== null; found = openings.exec(text)) {
    const { index } = found;
    const literalEnd = ends.get(index);
    const mark = text.slice(index, index + 2);
    if (literalEnd !== undefined) openings.lastIndex = literalEnd;
    else if (mark === '//' || mark === '/*') {
      const closing = mark === '//' ? text.indexOf('\n', index) : text.indexOf('*/', index) + 2;
      openings.lastIndex = closing === -1 ? text.length : closing;
      yield [index, openings.lastIndex];
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  const problems = listStyleProblems(listFiles(process.argv.slice(2)));
  for (const { file, line, problem } of problems) console.log(`${file}:${line} ${problem}`);
  console.log(`${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
