/** The transcript in the README: runs its command and compares the output. `<time>` and `<url>` are placeholders. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');

test('the README shows what its command prints', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, command, expected] = /<!-- transcript -->\n```console\n\$ (.*)\n([\s\S]*?)```/.exec(readme)!;
  const { stdout } = await promisify(execFile)('sh', ['-c', command!], { cwd: root, encoding: 'utf8' });
  const shown = stdout.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>').replaceAll(/https?:\/\/\S+/g, '<url>');
  assert.equal(shown, expected);
});
