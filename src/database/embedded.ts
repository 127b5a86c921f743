/**
 * The embedded database: PostgreSQL in WebAssembly (PGlite), in memory or in a directory. `pg` talks to its only
 * session, so statements reach it as they reach a server: prepared once, and together if they do not need each other's
 * results.
 */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { MemoryFS, PGlite, PGliteOptions } from '@electric-sql/pglite';
import type { Pool } from 'pg';
import { lockDirectory } from './directory-lock.ts';
import { EmbeddedStream } from './embedded-stream.ts';
import { keepTemplate, makeTemplate, openTemplate, templateFile, unpack } from './template.ts';

const LIBRARY = '@electric-sql/pglite';

/** A quarter of the default, because each start touches all of it. */
const embeddedParameters = ['-c', 'shared_buffers=32MB'];

/** Bytes of its code that a function runs through before V8 optimizes it; by default 13 million. */
const OPTIMIZING_BUDGET = 500_000_000;

export const migrateEmbedded = async (pglite: PGlite): Promise<void> =>
  (await import('./migrate.ts')).migrateEmbedded(pglite);

const makeMigratedTemplate = (): Promise<Buffer> => makeTemplate(migrateEmbedded);

/** Rebuilds the template for the package. */
export const buildTemplate = async (file: string): Promise<unknown> => keepTemplate(file, await makeMigratedTemplate());

const openMigratedTemplate = (): Promise<Uint8Array<ArrayBuffer>> => openTemplate(templateFile, makeMigratedTemplate);

type Code = NonNullable<PGliteOptions['pgliteWasmModule']>;

/** The types of Node.js do not have it. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<Code> };

type Library = typeof import('@electric-sql/pglite');

/** The library and its code, which V8 checks on other threads. */
async function loadLibrary(): Promise<readonly [Library, Code]> {
  const code = readFile(new URL('pglite.wasm', import.meta.resolve(LIBRARY)));
  return Promise.all([import('@electric-sql/pglite'), code.then((bytes) => WebAssembly.compile(bytes))]);
}

let library: ReturnType<typeof loadLibrary> | undefined;
/** For the first database in memory: each one changes its own. */
let template: ReturnType<typeof openMigratedTemplate> | undefined;

/** Begins to load, on other threads, what a database needs; with `inMemory`, of one without a directory. */
export function preloadEmbedded({ inMemory }: { readonly inMemory: boolean }): void {
  library ??= loadLibrary();
  if (inMemory) template ??= openMigratedTemplate();
  // The start of the database throws the error.
  for (const loading of [library, template]) loading?.catch(() => {});
}

async function takeTemplate(): Promise<Uint8Array<ArrayBuffer>> {
  const preloaded = template;
  template = undefined;
  return preloaded ?? openMigratedTemplate();
}

const holdsCluster = (directory: string): Promise<boolean> =>
  access(join(directory, 'PG_VERSION')).then(
    () => true,
    () => false,
  );

export interface EmbeddedDatabase {
  readonly pglite: PGlite;
  /** Has one connection. */
  readonly pool: Pool;
  /** True if it was made from the template, so its tables are up to date. */
  readonly isNew: boolean;
  readonly close: () => Promise<void>;
}

/** Starts the database, in memory unless there is a directory. */
export async function startEmbedded(directory: string | undefined): Promise<EmbeddedDatabase> {
  // V8 would optimize hundreds of functions of the database while it starts, some 30 % of the CPU time until then.
  setFlagsFromString(`--wasm-tiering-budget=${OPTIMIZING_BUDGET}`);
  preloadEmbedded({ inMemory: directory === undefined });
  const unlock = directory ? await lockDirectory(directory) : async () => {};
  const [{ MemoryFS, PGlite }, pgliteWasmModule] = await library!;
  const cluster = directory && join(directory, 'postgresql');
  const isNew = cluster === undefined || !(await holdsCluster(cluster));
  const archive = isNew ? await takeTemplate() : undefined;
  performance.mark('touchstone: template read');
  const pglite = new (withoutArrays(PGlite))({
    startParams: [...PGlite.defaultStartParams, ...embeddedParameters],
    pgliteWasmModule,
    ...(cluster === undefined
      ? { fs: createFiles(MemoryFS, archive!, PGlite.paths.PGDATA) }
      : { dataDir: cluster, ...(archive && { loadDataDir: new Blob([archive]) }) }),
  });
  await pglite.waitReady;
  performance.mark('touchstone: embedded PostgreSQL started');
  const { createEmbeddedPool } = await import('./pool.ts');
  const pool = createEmbeddedPool(() => new EmbeddedStream(pglite));
  const close = async (): Promise<void> => {
    await pool.end();
    await pglite.close();
    await unlock();
  };
  return { pglite, pool, isNew, close };
}

/** Files in memory, which are those of the template when the database starts. */
const createFiles = (Files: typeof MemoryFS, archive: Uint8Array, directory: string): MemoryFS =>
  new (class extends Files {
    override async initialSyncFs(): Promise<void> {
      unpack(archive, this.pg!.Module.FS, directory);
    }
  })();

/** PGlite without its list of the array types, which takes long to read and which `pg` does not need. */
const withoutArrays = (Base: typeof PGlite): typeof PGlite =>
  class extends Base {
    override async _initArrayTypes(): Promise<void> {}
  };
