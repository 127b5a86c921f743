/** The command line of `touchstone grade`. */
import type { Config } from '../options.ts';
import { watchParent } from '../parent.ts';
import { grade } from './grade.ts';

/** Returns the exit code. Throws ConfigError. */
export async function gradeFromCommandLine(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  process.umask(0o077);
  // npm, npx and make end without a signal to the programs that they started.
  watchParent({ isSupervised: false, onGone: () => process.kill(process.pid, 'SIGTERM') });
  const { stdout, stderr } = process;
  // A reader that has gone, as in `touchstone grade … | head`, does not keep the reports from being written.
  for (const stream of [stdout, stderr]) stream.on('error', () => {});
  const { exitCode } = await grade(config, { env, signals: process, stdout, stderr });
  return exitCode;
}
