/** Every relative link and every quoted path of the repository in its Markdown files exists. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { listFiles } from './style.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = listFiles().filter((file) => file.endsWith('.md'));

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

function isTarget(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(join(root, target), 'utf8').matchAll(/^#+ (.*)$/gm)];
  return headings.some(([, heading]) => anchorOf(heading!) === anchor);
}

test('relative links lead to files and headings', () => {
  const broken = pages.flatMap((page) => {
    const links = readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g);
    const relative = [...links].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));
    return relative.filter((link) => !isTarget(page, link)).map((link) => `${page}: ${link}`);
  });
  assert.ok(pages.length > 10);
  assert.deepEqual(broken, []);
});

test('quoted paths exist', () => {
  const folders = 'src|test|conformance|codegen|spec|docs|examples|bench|generated|\\.ci|\\.github';
  const quoted = new RegExp(`\`((?:${folders})/[^\`\\s…*{]*)\``, 'g');
  const missing = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(quoted)]
      .map(([, path]) => path!)
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${page}: ${path}`),
  );
  assert.deepEqual(missing, []);
});

test('the README is short', () => {
  const lines = readFileSync(join(root, 'README.md'), 'utf8').split('\n').length;
  assert.ok(lines <= 121, `${lines} lines`);
});
