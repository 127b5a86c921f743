#!/usr/bin/env node
/** The command line. It checks the version of Node.js before it imports what an old version cannot load. */
const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
if (major < 22 || (major === 22 && minor < 17)) {
  process.stderr.write(
    `touchstone needs Node.js 22.17 or newer, but this is ${process.version}: put a newer one on the PATH, or run npx -p node@24 -p touchstone touchstone\n`,
  );
  process.exit(1);
}

// Keeps compiled code between starts, which saves a third of the load time.
(await import('node:module')).enableCompileCache?.();

const { ConfigError, nearest } = await import('./errors.ts');
const { commands, parseConfig, printCommandHelp, printHelp } = await import('./cli/options.ts');

const isCommand = (text: string): text is keyof typeof commands => Object.hasOwn(commands, text);

async function run(command: keyof typeof commands, args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return void process.stdout.write(`${printCommandHelp(command)}\n`);
  const config = parseConfig(command, args, process.env);
  const control = process.env['TOUCHSTONE_CONTROL'];
  // Each command is loaded only when it is used, so that a start stays fast.
  if (command === 'start') await (await import('./cli/start.ts')).start(config);
  else if (command === 'ledger') await (await import('./cli/ledger.ts')).printLedger(config, control);
  else await (await import('./cli/reconcile.ts')).printReconciliation(config, control);
}

try {
  const [command = '--help', ...args] = process.argv.slice(2);
  if (command === '--help') process.stdout.write(`${printHelp()}\n`);
  else if (isCommand(command)) await run(command, args);
  else throw new ConfigError(`unknown command ${command}; did you mean ${nearest(command, Object.keys(commands))}?`);
} catch (error) {
  const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  process.stderr.write(`touchstone: ${known ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
