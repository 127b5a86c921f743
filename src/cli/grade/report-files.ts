/** The files of a report, which only this user can read. */
import { constants } from 'node:fs';
import { access, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../errors.ts';
import type { Report } from '../../grade/report.ts';
import { reportFiles } from '../../grade/reports/files.ts';
import { writePrivateFile } from '../../net/private-files.ts';

/** Makes the directory before the command runs, so that no result is lost for want of a place. Throws ConfigError. */
export async function prepareReportDirectory(directory: string): Promise<void> {
  const fail = ({ code }: NodeJS.ErrnoException): never => {
    throw new ConfigError(`--report cannot use ${directory} (${code}): name a directory in which you can write`);
  };
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch(fail);
  if (!(await lstat(directory)).isDirectory()) throw new ConfigError(`--report: ${directory} is not a directory`);
  await access(directory, constants.W_OK | constants.X_OK).catch(fail);
}

/** Replaces each file as a whole. */
export async function writeReport(directory: string, report: Report): Promise<void> {
  for (const [name, render] of Object.entries(reportFiles))
    await writePrivateFile(join(directory, name), render(report));
}
