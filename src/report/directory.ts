/** The directory of a report, which only this user can read. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { createDirectory, writePrivateFile } from '../net/private-files.ts';

/** Makes the directory before the run, so that no result is lost for want of a place. Throws ConfigError. */
export async function prepareReportDirectory(directory: string): Promise<void> {
  const fail = failFor(directory);
  await createDirectory(directory).catch(fail);
  await access(directory, constants.W_OK | constants.X_OK).catch(fail);
}

const failFor =
  (directory: string) =>
  ({ code }: NodeJS.ErrnoException): never => {
    throw new ConfigError(`--report cannot use ${directory} (${code}): name a directory in which you can write`);
  };

/** Replaces each file as a whole. The program that was judged may have removed the directory. Throws ConfigError. */
export async function writeReportFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  await prepareReportDirectory(directory);
  for (const [name, text] of Object.entries(files)) {
    await writePrivateFile(join(directory, name), text).catch(failFor(directory));
  }
}
