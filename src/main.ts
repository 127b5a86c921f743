/** The command line. `bin/touchstone.mjs` starts it with a version of Node.js that is new enough. */

// Keeps compiled code between starts, which saves a third of the load time.
(await import('node:module')).enableCompileCache?.();

const { ConfigError } = await import('./errors.ts');
const { runCommand } = await import('./cli/run.ts');

/** One sentence for a mistake of the user or an error of the system; the stack for a defect of the program. */
function describeFailure(error: unknown): string {
  const { message, stack, code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof ConfigError || (code !== undefined && syscall !== undefined) ? message : (stack ?? message);
}

try {
  await runCommand(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`touchstone: ${describeFailure(error)}\n`);
  // 1 would say that a client has failed.
  process.exitCode = process.argv[2] === 'grade' ? 2 : 1;
}
