/** The options of the program: one table, from which `--help`, validation and `docs/options.md` are made. */
import { parseArgs } from 'node:util';
import { ConfigError, nearest } from '../errors.ts';

type Kind = 'string' | 'integer' | 'boolean';

interface Option {
  readonly flag: string;
  readonly kind: Kind;
  /** How `--help` names the value. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly fallback?: string;
  /** One sentence; secrets say so. */
  readonly sentence: string;
}

/** Every flag can also be given as an environment variable: `--public-url` as `TOUCHSTONE_PUBLIC_URL`. */
export const options = {
  port: {
    flag: 'port',
    kind: 'integer',
    value: 'N',
    fallback: '4000',
    sentence:
      'Port of the first ASE; the second listens 100 above it, the control API 900 above it. 0 takes any free ports.',
  },
  host: { flag: 'host', kind: 'string', value: 'ADDRESS', fallback: '127.0.0.1', sentence: 'Address to listen on.' },
  publicUrl: {
    flag: 'public-url',
    kind: 'string',
    value: 'URL',
    sentence:
      'Origin of the first ASE as clients see it; the second one is 100 ports above. Default: http://localhost and the port.',
  },
  world: {
    flag: 'world',
    kind: 'string',
    value: 'FILE',
    sentence: 'Run the world that this file describes (YAML) instead of the default one.',
  },
  controlPort: { flag: 'control-port', kind: 'integer', value: 'N', sentence: 'Port of the control API.' },
  controlToken: {
    flag: 'control-token',
    kind: 'string',
    value: 'TOKEN',
    sentence: 'Token of the control API (secret). Default: a new one at each start, printed.',
  },
  peerControl: {
    flag: 'peer-control',
    kind: 'string',
    value: 'URL',
    sentence: 'For reconcile: the control API of the peers’ world, where it is another.',
  },
  peerControlToken: {
    flag: 'peer-control-token',
    kind: 'string',
    value: 'TOKEN',
    sentence: 'For reconcile: the token of that control API (secret).',
  },
  ase: {
    flag: 'ase',
    kind: 'string',
    value: 'NAME',
    sentence:
      'Host only this ASE of the world. The other one runs in a process of its own, with the same --peer-secret; without it the ASE has no peers but those set over the control API.',
  },
  peerSecret: {
    flag: 'peer-secret',
    kind: 'string',
    value: 'SECRET',
    sentence: 'What the processes of a world prove themselves with on their ILP links (secret).',
  },
  serve: {
    flag: 'serve',
    kind: 'string',
    value: 'SERVERS',
    sentence:
      'Run only these servers of the ASE, separated by commas: auth, identity-provider, resource, wallet-address; the others run in processes of their own. Needs --ase, and the URLs of the others.',
  },
  walletAddressServer: {
    flag: 'wallet-address-server',
    kind: 'string',
    value: 'URL',
    sentence: 'Origin of the wallet addresses, where it is not the origin of the ASE.',
  },
  authServer: {
    flag: 'auth-server',
    kind: 'string',
    value: 'URL',
    sentence: 'Grant endpoint of the authorization server.',
  },
  resourceServer: { flag: 'resource-server', kind: 'string', value: 'URL', sentence: 'Base of the resource server.' },
  identityProvider: {
    flag: 'identity-provider',
    kind: 'string',
    value: 'URL',
    sentence: 'Base of the consent pages.',
  },
  introspection: {
    flag: 'introspection-url',
    kind: 'string',
    value: 'URL',
    sentence: 'Token introspection of the authorization server: below its control API, /{ase}/introspect.',
  },
  backChannel: {
    flag: 'back-channel-url',
    kind: 'string',
    value: 'URL',
    sentence: 'Back channel of the authorization server: below its control API, /{ase}/idp.',
  },
  seed: {
    flag: 'seed',
    kind: 'string',
    value: 'TEXT',
    sentence: 'Make ids, keys and tokens repeatable. Whoever knows the seed knows all secrets.',
  },
  consent: {
    flag: 'consent',
    kind: 'string',
    value: 'MODE',
    choices: ['auto', 'deny', 'manual'],
    fallback: 'manual',
    sentence: 'Who decides on a grant: a script that accepts or denies, or a person on the consent page.',
  },
  signIn: {
    flag: 'sign-in',
    kind: 'boolean',
    sentence:
      'Let people sign in on the consent page, with an account and its passphrase, so that only the holder can consent. The passphrases are printed.',
  },
  profile: {
    flag: 'profile',
    kind: 'string',
    value: 'NAME',
    choices: ['compat', 'strict'],
    fallback: 'compat',
    sentence: 'Accept what clients in use send and report it, or go by the letter.',
  },
  data: {
    flag: 'data',
    kind: 'string',
    value: 'DIR',
    sentence: 'Keep the embedded database in this directory. Default: in memory.',
  },
  databaseUrl: {
    flag: 'database-url',
    kind: 'string',
    value: 'URL',
    sentence: 'Use this PostgreSQL database instead of the embedded one (may hold a secret).',
  },
  tls: {
    flag: 'tls',
    kind: 'boolean',
    sentence:
      'Speak https, with a certificate of an authority made at the start, kept in the --data directory if there is one.',
  },
  tlsCert: {
    flag: 'tls-cert',
    kind: 'string',
    value: 'FILE',
    sentence: 'Speak https with this certificate and its chain (PEM); needs --tls-key.',
  },
  tlsKey: {
    flag: 'tls-key',
    kind: 'string',
    value: 'FILE',
    sentence: 'Private key of the certificate (PEM, not encrypted).',
  },
  tlsCa: {
    flag: 'tls-ca',
    kind: 'string',
    value: 'FILE',
    sentence: 'Accept servers with certificates of this authority (PEM) too.',
  },
  json: {
    flag: 'json',
    kind: 'boolean',
    sentence: 'Print one line of JSON when ready instead of the banner; it holds the test key and the control token.',
  },
  logLevel: {
    flag: 'log-level',
    kind: 'string',
    value: 'LEVEL',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    fallback: 'warn',
    sentence: 'How much to log on stderr.',
  },
  insecure: {
    flag: 'insecure',
    kind: 'boolean',
    sentence: 'Allow what is meant for tests although an address is not loopback.',
  },
  failpoint: {
    flag: 'failpoint',
    kind: 'string',
    value: 'NAME[:N]',
    sentence:
      'Kill the process where a payment passes this point for the N-th time, for crash tests: payment-stored, hold-stored, prepare-stored, packet-sent, packet-credited, packet-answered, packet-booked or job-done.',
  },
  help: { flag: 'help', kind: 'boolean', sentence: 'Print this.' },
} as const satisfies Record<string, Option>;

type Value<O extends Option> = O extends { kind: 'boolean' }
  ? boolean
  : O extends { kind: 'integer' }
    ? number
    : O extends { choices: readonly (infer C)[] }
      ? C
      : string;

export type Config = {
  readonly [Name in keyof typeof options]: (typeof options)[Name] extends { fallback: string } | { kind: 'boolean' }
    ? Value<(typeof options)[Name]>
    : Value<(typeof options)[Name]> | undefined;
};

/** Reads the command line and the environment; the command line wins. Throws ConfigError. */
export function readConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const table = Object.entries(options) as [keyof Config, Option][];
  const known = table.map(([, option]) => `--${option.flag}`);
  for (const arg of args) {
    if (!arg.startsWith('--')) continue;
    const flag = arg.split('=', 1)[0]!;
    if (!known.includes(flag)) throw new ConfigError(`unknown option ${flag}; did you mean ${nearest(flag, known)}?`);
  }
  const given = parse(args, table);
  const config: Record<string, unknown> = {};
  for (const [name, option] of table) {
    const text = given[option.flag] ?? env[environmentName(option)] ?? option.fallback;
    config[name] = text === undefined && option.kind !== 'boolean' ? undefined : convert(option, text);
  }
  return config as Config;
}

export const environmentName = ({ flag }: { readonly flag: string }): string =>
  `TOUCHSTONE_${flag.toUpperCase().replaceAll('-', '_')}`;

function parse(
  args: readonly string[],
  table: readonly [string, Option][],
): Record<string, string | boolean | undefined> {
  try {
    const parseOptions = Object.fromEntries(
      table.map(([, { flag, kind }]) => [flag, { type: kind === 'boolean' ? 'boolean' : 'string' } as const]),
    );
    return parseArgs({ args: [...args], options: parseOptions, allowPositionals: false }).values as never;
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function convert(option: Option, text: string | boolean | undefined): string | number | boolean {
  if (option.kind === 'boolean') return text === true || text === 'true' || text === '1';
  const value = String(text);
  if (option.kind === 'integer') {
    if (!/^\d+$/.test(value) || Number(value) > 65_535)
      throw new ConfigError(`--${option.flag} takes a port, not '${value}'`);
    return Number(value);
  }
  if (option.choices && !option.choices.includes(value)) {
    throw new ConfigError(`--${option.flag} takes ${option.choices.join(', ')}, not '${value}'`);
  }
  return value;
}

const usage = (option: Option): string => `--${option.flag}${option.value ? ` ${option.value}` : ''}`;

const meaning = (option: Option): string =>
  [
    option.sentence,
    option.choices && `One of ${option.choices.join(', ')}.`,
    option.fallback !== undefined && `Default: ${option.fallback}.`,
  ]
    .filter(Boolean)
    .join(' ');

/** The text of `--help`. */
export function printHelp(): string {
  const lines = Object.values(options).map((option: Option) => `  ${usage(option).padEnd(24)} ${meaning(option)}`);
  return [
    'touchstone start [options]     run a world: two ASEs, wallets with money, a client with a key',
    'touchstone ledger [options]    print the ledgers of a running world (--control-port, --control-token)',
    'touchstone reconcile [options] compare what peers say of their accounts (--peer-control for the other side)',
    '',
    ...lines,
    '',
    'Each option can be an environment variable too: --public-url is TOUCHSTONE_PUBLIC_URL.',
  ].join('\n');
}

/** The table of `docs/options.md`. */
export function printOptionTable(): string {
  const rows = Object.values(options).map((option: Option) => `| \`${usage(option)}\` | ${meaning(option)} |`);
  return ['| Option | Meaning |', '| --- | --- |', ...rows].join('\n');
}
