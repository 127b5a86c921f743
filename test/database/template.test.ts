/** The cluster that embedded databases start from. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { openDatabase } from '../../src/database/database.ts';
import { openTemplate, templateFile } from '../../src/database/template.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'touchstone-template-'));
});
after(() => rm(directory, { recursive: true }));

const mustExist = async () => assert.fail('it was made anew');

test('a database starts from the file, migrated, and is small', async () => {
  // The first one to open an embedded database writes the file.
  await (await openDatabase({ kind: 'embedded' })).close();
  assert.ok((await stat(templateFile)).size < 2.5e6);
  const archive = await openTemplate(templateFile, mustExist);
  assert.ok(archive.length < 20e6);
  await using pglite = await PGlite.create({ loadDataDir: new Blob([archive]) });
  const { rows } = await pglite.query('select datname from pg_database');
  assert.deepEqual(rows, [{ datname: 'postgres' }]);
  const migrations = (await readdir(join(import.meta.dirname, '../../src/database/migrations'))).sort();
  assert.deepEqual(
    (await pglite.query('select name from mikro_orm_migrations order by id')).rows,
    migrations.map((file) => ({ name: file.replace('.ts', '') })),
  );
});

/** The standard template, as if it had just been made. */
const make = () => readFile(templateFile);

test('a template that was made is kept in its file, from which the next database starts', async () => {
  const file = join(directory, 'new folder', 'template');
  const made = await openTemplate(file, make);
  assert.equal((await openTemplate(file, mustExist)).length, made.length);
});

test('where the file cannot be written, the template can be used all the same', async () => {
  const occupied = join(directory, 'occupied');
  await writeFile(occupied, 'a file where a directory would have to be');
  const archive = await openTemplate(join(occupied, 'template'), make);
  assert.equal(archive.length, (await openTemplate(templateFile, mustExist)).length);
  assert.match(await readFile(occupied, 'utf8'), /^a file/);
});
