/** The outcome file: how its lines are read, and what they say about a client that met an error. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcomeVariable, readOutcomes } from '../../src/cli/grade/outcome-file.ts';
import { findTelling, parseOutcomes, type ReportedOutcome } from '../../src/grade/reported-outcomes.ts';

const success: ReportedOutcome = { outcome: 'success' };
const error = (status?: number): ReportedOutcome => ({ outcome: 'error', ...(status !== undefined && { status }) });

test('lines are read one by one; the first that is not an outcome is named', () => {
  const text =
    '{"outcome":"success","step":"read"}\r\n\n{"outcome":"error","status":451}\nnull\n{"outcome":"maybe"}\n{"outc';
  const { outcomes, problem } = parseOutcomes(text);
  assert.deepEqual(outcomes, [success, error(451)]);
  assert.match(problem!, /^line 4 of the outcome file/);
  assert.deepEqual(parseOutcomes('{"outcome":"error","status":"451"}\n'), { outcomes: [error()] });
});

test('an error counts if its status is that of the answer and was not reported without the trap', () => {
  assert.equal(findTelling(451, [success], [success, error(451)]), 'told');
  assert.equal(findTelling(451, [], [error(451)]), 'told', 'a client that writes errors only');
  assert.equal(findTelling(451, [error(404)], [error(404), error(451)]), 'told');
  assert.equal(findTelling(451, [success], [error()]), 'vague');
  assert.equal(findTelling(451, [error()], [error()]), 'silent');
  assert.equal(findTelling(451, [success], [success, error(404)]), 'silent');
  assert.equal(findTelling(451, [success], []), 'silent', 'it ended before it could report');
  assert.match((findTelling(451, [], []) as { unknown: string }).unknown, /it wrote none/);
  assert.match((findTelling(404, [error(404)], [error(404)]) as { unknown: string }).unknown, /without the trap/);
});

test('an outcome file that is absent, a directory or a link is empty', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'outcomes-'));
  const variables = outcomeVariable(directory);
  const file = variables['TOUCHSTONE_OUTCOME']!;
  try {
    assert.deepEqual(await readOutcomes(variables), { outcomes: [] });
    await mkdir(file);
    assert.deepEqual(await readOutcomes(variables), { outcomes: [] });
    await rm(file, { recursive: true });
    await symlink('/dev/zero', file);
    assert.deepEqual(await readOutcomes(variables), { outcomes: [] });
    await rm(file);
    await writeFile(file, '{"outcome":"error","status":500}\n');
    assert.deepEqual(await readOutcomes(variables), { outcomes: [error(500)] });
  } finally {
    await rm(directory, { recursive: true });
  }
});
