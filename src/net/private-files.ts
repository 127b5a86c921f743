/** Files and directories that hold secrets: only their owner can read them, and symbolic links are not followed. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';

/** Permission bits of the group and of others. Windows has none. */
const FOREIGN_BITS = process.platform === 'win32' ? 0 : 0o077;

/**
 * Makes a directory and those above it, for their owner only. Step by step, because the recursive `mkdir` never returns
 * in some places, such as /proc. Throws the error of the system; ENOTDIR if something else has the name.
 */
export async function createDirectory(path: string): Promise<void> {
  const directory = resolve(path);
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isDirectory()) return;
  if (found) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  await createDirectory(dirname(directory));
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Makes the directory if it does not exist. Throws ConfigError if it is a link, or others can use it. */
export async function openPrivateDirectory(directory: string): Promise<void> {
  const fail = (error: NodeJS.ErrnoException): never => {
    throw new ConfigError(`cannot use the directory ${directory} (${error.code})`);
  };
  await createDirectory(directory).catch(fail);
  const found = await lstat(directory).catch(fail);
  if (found.isSymbolicLink()) throw new ConfigError(`${directory} is a symbolic link: give the directory itself`);
  if (!found.isDirectory()) throw new ConfigError(`${directory} is not a directory`);
  checkPrivate(directory, found.mode);
}

/** Replaces the file as a whole; a link at its place is replaced as well, not followed. */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Opens a file to read and write, and makes it if it does not exist. Throws ConfigError if it is not a regular file, or
 * others can use it.
 */
export async function openPrivateFile(file: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = constants;
  const handle = await open(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ELOOP') throw new ConfigError(`${file} is a symbolic link: remove it`);
    throw new ConfigError(`cannot open ${file} (${error.code})`);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new ConfigError(`${file} is not a file`);
    checkPrivate(file, found.mode);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function checkPrivate(path: string, mode: number): void {
  if ((mode & FOREIGN_BITS) === 0) return;
  const bits = (mode & 0o777).toString(8);
  throw new ConfigError(`other users can reach ${path} (mode ${bits}), which holds secrets: chmod go= ${path}`);
}
