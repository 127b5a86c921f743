/** Runs one command line. */
import { ConfigError, didYouMean } from '../errors.ts';
import { commands, EXCHANGE } from './commands.ts';
import { printCommandHelp, printHelp } from './help.ts';
import { parseConfig, warnOfVariables } from './parse-config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const isCommand = (text: string): text is keyof typeof commands => Object.hasOwn(commands, text);

/** Throws ConfigError for a mistake of the user. */
export async function runCommand([command = '--help', ...args]: readonly string[], env: Environment): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (['--help', '-h', 'help'].includes(command)) return print(printHelp());
  // Each command is loaded only when it is used, so that a start stays fast.
  if (['--version', '-v', 'version'].includes(command)) return print((await import('./version.ts')).describeVersion());
  if (command === 'check')
    throw new ConfigError('the checks are in the npm package and in a checkout: bin/touchstone.mjs check');
  if (!isCommand(command)) {
    const names = Object.keys(commands);
    const suggestion = didYouMean(command, names) || `; the commands are ${names.join(', ')}`;
    throw new ConfigError(`unknown command ${command}${suggestion}`);
  }
  // Arguments after -- belong to the command of a client.
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own.includes('--help') || own.includes('-h')) return print(printCommandHelp(command));
  const config = parseConfig(command, args, env);
  for (const warning of warnOfVariables(env)) process.stderr.write(`touchstone: ${warning}\n`);
  const control = env['TOUCHSTONE_CONTROL'];
  if (command === 'start') {
    // Other threads load the database while this one loads the program.
    if (config.databaseUrl === undefined)
      (await import('../database/embedded.ts')).preloadEmbedded({ inMemory: config.data === undefined });
    const heap = (await import('./heap.ts')).boundHeap();
    await (await import('./start.ts')).start(config, env);
    heap.whenLoaded();
  } else if (command === 'grade')
    process.exitCode = await (await import('./grade/main.ts')).gradeFromCommandLine(config, env);
  else if (command === 'ledger') await (await import('./ledger.ts')).printLedger(config, control);
  else if (command === 'explain' && config.operands[0] === EXCHANGE)
    process.stdout.write(`${await (await import('./explain-exchange.ts')).explainExchange(config, control)}\n`);
  else if (command === 'explain') (await import('./explain.ts')).printExplanation(config);
  else if (command === 'vectors') (await import('./vectors.ts')).printVectors();
  else if (command === 'log') await (await import('./log.ts')).printLog(config, control);
  else if (command === 'payments') await (await import('./payments.ts')).printPayments(config, control);
  else await (await import('./reconcile.ts')).printReconciliation(config, control);
}
