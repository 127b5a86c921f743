/**
 * The migrated, empty cluster that an embedded database starts from: one compressed file for each set of tables.
 * Creating it takes seconds, starting from it a third of a second. A packed build contains it; otherwise the first
 * start creates it.
 */
import { hash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { PGlite } from '@electric-sql/pglite';
import { allStatements } from './migrations.ts';

/** Parameters of `initdb`: 1 MB log segments, because the default of 16 MB would be most of the file. */
const clusterParameters = ['--wal-segsize=1', '--no-sync'];

/** Databases without any connections; they are two thirds of the file. */
const unusedDatabases = ['template0', 'template1'];

const name = `template-${hash('sha256', [...allStatements, ...clusterParameters].join('\n')).slice(0, 16)}.tar.zst`;

/** Where the template is kept: beside the bundle of the package, or in the cache of a checkout. */
export const templateFile = import.meta.filename.endsWith('.js')
  ? join(import.meta.dirname, name)
  : join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'touchstone', name);

/** Bytes of memory for the archive; if it has more, it is copied once. */
const ARCHIVE_ROOM = 16 * 1024 * 1024;

/** The template as a tar archive; made with `make` and kept in `file` if it is not there yet. */
export async function openTemplate(file: string, make: () => Promise<Buffer>): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = (await readFile(file).catch(() => undefined)) ?? (await keepTemplate(file, await make()));
  const archive = await promisify(zstdDecompress)(compressed, { chunkSize: ARCHIVE_ROOM });
  return new Uint8Array(archive.buffer as ArrayBuffer, archive.byteOffset, archive.byteLength);
}

/** Unit of a tar archive: its headers have this size, and files are filled up to it (POSIX.1-2017, pax). */
const BLOCK = 512;

/** A directory if it has no content. */
interface ArchivedFile {
  readonly path: string;
  readonly content: Uint8Array | undefined;
}

/** The files of an archive, without copies of their contents. */
function* readArchive(archive: Uint8Array): Iterable<ArchivedFile> {
  const readText = (start: number, end: number): string =>
    Buffer.from(archive.buffer, archive.byteOffset + start, end - start)
      .toString()
      .replace(/\0.*$/s, '');
  for (let at = 0; archive[at]; ) {
    const size = Number.parseInt(readText(at + 124, at + 136), 8);
    const start = at + BLOCK;
    const isDirectory = readText(at + 156, at + 157) === '5';
    yield { path: readText(at, at + 100), content: isDirectory ? undefined : archive.subarray(start, start + size) };
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** Files of PGlite in memory, of Emscripten. */
interface Files {
  mkdirTree(path: string): void;
  /** With `canOwn` the content is not copied, and changes with the file. */
  writeFile(path: string, content: Uint8Array, options: { readonly canOwn: boolean }): void;
}

/** Makes the files of the template in a directory. They share its memory. */
export function unpack(archive: Uint8Array, files: Files, directory: string): void {
  files.mkdirTree(directory);
  for (const { path, content } of readArchive(archive)) {
    if (content === undefined) files.mkdirTree(directory + path);
    else files.writeFile(directory + path, content, { canOwn: true });
  }
}

/** Writes the template to its file. Where the directory cannot be written, it only costs time at the next start. */
export async function keepTemplate(file: string, compressed: Buffer): Promise<Buffer> {
  const temporary = `${file}.${process.pid}`;
  await mkdir(dirname(file), { recursive: true })
    .then(() => writeFile(temporary, compressed))
    .then(() => rename(temporary, file))
    .catch(() => {});
  return compressed;
}

/** Makes the template. */
export async function makeTemplate(migrate: (pglite: PGlite) => Promise<void>): Promise<Buffer> {
  const { PGlite } = await import('@electric-sql/pglite');
  const pglite = await PGlite.create({ initDbStartParams: clusterParameters });
  await migrate(pglite);
  await pglite.exec(`update pg_database set datistemplate = false, datallowconn = true`);
  for (const database of unusedDatabases) await pglite.exec(`drop database ${database}`);
  // The first one still leaves records to read again at the next start.
  await pglite.exec('checkpoint');
  await pglite.exec('checkpoint');
  const archive = await (await pglite.dumpDataDir('none')).arrayBuffer();
  await pglite.close();
  return promisify(zstdCompress)(archive, { params: { [constants.ZSTD_c_compressionLevel]: 10 } });
}
