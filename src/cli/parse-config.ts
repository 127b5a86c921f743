/** The command line and the environment as a Config. Each mistake is a ConfigError of one sentence. */
import { ConfigError, didYouMean } from '../errors.ts';
import { type Command, EXCHANGE, operands } from './commands.ts';
import type { Option } from './option.ts';
import { type Config, environmentName, options, optionsOf, type Table } from './options.ts';

/**
 * Parses the command line and the environment; the command line wins. Options that the command does not take have
 * their default. Throws ConfigError.
 */
export function parseConfig(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const table = optionsOf(command);
  const known = table.map(([, option]) => `--${option.flag}`);
  const { values, operands: given } = parse(command, args, table);
  const config: Record<string, unknown> = { operands: given };
  for (const [name, option] of Object.entries(options) as [string, Option][]) {
    const isTaken = known.includes(`--${option.flag}`);
    const onCommandLine = isTaken ? values.get(option.flag) : undefined;
    const inEnvironment = isTaken ? env[environmentName(option)] : undefined;
    const text = onCommandLine ?? inEnvironment ?? option.fallback;
    const source = onCommandLine === undefined ? environmentName(option) : `--${option.flag}`;
    if (text === undefined) config[name] = option.kind === 'boolean' ? false : undefined;
    else config[name] = convert(option, text, source);
  }
  return config as Config;
}

/** True if everything after `--` is a command line. */
const takesCommand = (command: Command): boolean => operands[command]?.startsWith('--') === true;

interface Arguments {
  /** Values by flag. An option that is given twice has its last value. */
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
}

function parse(command: Command, args: readonly string[], table: Table): Arguments {
  const values = new Map<string, string>();
  const given: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i]!;
    if (arg === '--' && takesCommand(command)) return { values, operands: args.slice(i + 1) };
    const isExpected = given.length === 0 || (given.length === 1 && given[0] === EXCHANGE);
    if (operands[command] !== undefined && !takesCommand(command) && isExpected && !arg.startsWith('-')) {
      given.push(arg);
      continue;
    }
    if (!arg.startsWith('--') || arg === '--') {
      if (takesCommand(command)) {
        throw new ConfigError(
          `unexpected argument '${arg}'; the command of the client comes after a --: touchstone ${command} -- ${arg}`,
        );
      }
      if (operands[command] !== undefined) {
        throw new ConfigError(`unexpected argument '${arg}'; touchstone ${command} takes one ${operands[command]}`);
      }
      throw new ConfigError(
        `unexpected argument '${arg}'; options begin with --, and with npm a -- comes first: npm run touchstone -- ${command} --port 0`,
      );
    }
    const [, flag = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(arg)!;
    const option = table.find(([, each]) => each.flag === flag)?.[1];
    if (!option) {
      const known = table.map(([, each]) => `--${each.flag}`);
      const remedy = `; touchstone ${command} --help lists the options`;
      throw new ConfigError(`unknown option --${flag}${didYouMean(`--${flag}`, known) || remedy}`);
    }
    if (option.kind === 'boolean') {
      values.set(flag, attached ?? 'true');
      continue;
    }
    const next = args[i + 1];
    if (option.implied !== undefined && attached === undefined && (next === undefined || next.startsWith('-'))) {
      values.set(flag, option.implied);
      continue;
    }
    // A token may begin with a hyphen, but a value that is an option is a forgotten value.
    const isForgotten = next === undefined || table.some(([, each]) => next.split('=', 1)[0] === `--${each.flag}`);
    if (attached === undefined && isForgotten) {
      throw new ConfigError(`--${flag} needs a value: --${flag} ${option.value}`);
    }
    values.set(flag, attached ?? next!);
    if (attached === undefined) i += 1;
  }
  return { values, operands: given };
}

const yes = ['true', 'yes', 'on', '1'];
const no = ['false', 'no', 'off', '0'];

/** `source` is the flag or the environment variable that has the value. */
function convert(option: Option, text: string, source: string): string | number | boolean {
  // An empty host is every interface, an empty secret no secret: an unset variable often arrives as an empty one.
  if (text === '') throw new ConfigError(`${source} is empty: give a value, or leave it out`);
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  if (option.kind === 'boolean') {
    const word = text.toLowerCase();
    if (!yes.includes(word) && !no.includes(word)) {
      throw new ConfigError(`${source} takes yes or no, not '${shown}'`);
    }
    return yes.includes(word);
  }
  if (option.kind === 'integer') {
    const { maximum = 65_535 } = option;
    if (!/^\d+$/.test(text) || Number(text) > maximum) {
      const kind = option.flag.endsWith('port') ? 'a port' : 'a number';
      throw new ConfigError(`${source} takes ${kind} from 0 to ${maximum}, not '${shown}'`);
    }
    return Number(text);
  }
  if (option.choices && !option.choices.includes(text)) {
    throw new ConfigError(
      `${source} takes ${option.choices.join(', ')}, not '${shown}'${didYouMean(text, option.choices)}`,
    );
  }
  return text;
}

/** Variables that the program hands to clients, or that its tests and examples take. None of them is an option. */
const otherVariables =
  /^TOUCHSTONE_(WALLET_ADDRESS|RECEIVER|CLIENT|KEY_ID|PRIVATE_KEY(_FILE|_BASE64)?|CONTROL|INTROSPECTION(_SECRET)?|BACK_CHANNEL(_SECRET)?|CA|(TEST|CHAOS)_.*|MUTANT|CHROMIUM|SCREENSHOTS)$/;

/** A sentence for each variable `TOUCHSTONE_…` that no option takes. */
export function warnOfVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.values(options).map(environmentName);
  return Object.keys(env)
    .filter((name) => name.startsWith('TOUCHSTONE_') && !known.includes(name) && !otherVariables.test(name))
    .map((name) => `${name} is ignored, because no option takes it${didYouMean(name, known)}`);
}
