/** The texts of `--help` and the tables of `docs/options.md`, from the table of options. */
import { type Command, commands, operands } from './commands.ts';
import type { Option } from './option.ts';
import { optionsOf } from './options.ts';

const usage = (option: Option): string => `--${option.flag}${option.value ? ` ${option.value}` : ''}`;

const meaning = (option: Option): string =>
  [
    option.sentence,
    option.choices && `One of ${option.choices.join(', ')}.`,
    option.fallback !== undefined && `Default: ${option.fallback}.`,
  ]
    .filter(Boolean)
    .join(' ');

/** The text of `touchstone --help`. */
export function printHelp(): string {
  const described = { ...commands, check: 'run the conformance checks against a world or another ASE' };
  const lines = Object.entries(described).map(([name, purpose]) => `  touchstone ${name.padEnd(10)} ${purpose}`);
  return [...lines, '', 'touchstone COMMAND --help lists the options of a command.'].join('\n');
}

/** An operand comes first, but the command of a client last. */
function usageOf(command: Command): string {
  const operand = operands[command];
  if (operand === undefined) return '[options]';
  return operand.startsWith('--') ? `[options] ${operand}` : `[${operand}] [options]`;
}

/** The text of `touchstone COMMAND --help`. */
export function printCommandHelp(command: Command): string {
  const lines = optionsOf(command).map(([, option]) => `  ${usage(option).padEnd(24)} ${meaning(option)}`);
  return [
    `touchstone ${command} ${usageOf(command)}: ${commands[command]}`,
    '',
    ...lines,
    '',
    'Each option can also be an environment variable: --control-port is TOUCHSTONE_CONTROL_PORT.',
  ].join('\n');
}

/** The tables of `docs/options.md`, in Markdown. */
export const printOptionTables = (): string =>
  (Object.keys(commands) as Command[])
    .map((command) => {
      const rows = optionsOf(command).map(([, option]) => `| \`${usage(option)}\` | ${meaning(option)} |`);
      return [`## \`touchstone ${command}\``, '', '| Option | Meaning |', '| --- | --- |', ...rows].join('\n');
    })
    .join('\n\n');
