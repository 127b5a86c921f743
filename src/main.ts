#!/usr/bin/env node
/** The command line. Imports nothing that an old Node could not load before the version is known. */
const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
if (major < 22 || (major === 22 && minor < 17)) {
  process.stderr.write(
    `touchstone needs Node.js 22.17 or newer and this is ${process.version}: put a newer one on the PATH, or say npx -p node@24 -p touchstone touchstone\n`,
  );
  process.exit(1);
}

// Compiled code is kept between starts, which saves a third of the time to load it.
(await import('node:module')).enableCompileCache?.();

const { ConfigError, nearest } = await import('./errors.ts');
const { printHelp, readConfig } = await import('./cli/options.ts');
const commands = ['start', 'ledger', 'reconcile'];

try {
  const [command = '--help', ...args] = process.argv.slice(2);
  if (command === '--help' || args.includes('--help')) {
    process.stdout.write(`${printHelp()}\n`);
  } else if (command === 'start') {
    const { start } = await import('./cli/start.ts');
    await start(readConfig(args, process.env));
  } else if (command === 'ledger') {
    const { printLedger } = await import('./cli/ledger.ts');
    await printLedger(readConfig(args, process.env), process.env['TOUCHSTONE_CONTROL']);
  } else if (command === 'reconcile') {
    const { printReconciliation } = await import('./cli/reconcile.ts');
    await printReconciliation(readConfig(args, process.env), process.env['TOUCHSTONE_CONTROL']);
  } else {
    throw new ConfigError(`unknown command ${command}; did you mean ${nearest(command, commands)}?`);
  }
} catch (error) {
  const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  process.stderr.write(`touchstone: ${known ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
