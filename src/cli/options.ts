/** The options of the program: one table, from which `--help`, validation and `docs/options.md` are made. */
import { type Command, commands } from './commands.ts';
import { gradeOptions } from './grade/options.ts';
import type { Option } from './option.ts';
import { storageOptions } from './storage-options.ts';

/** Distance of the control API's default port from the port of the first ASE. */
export const CONTROL_PORT_OFFSET = 900;

const all = Object.keys(commands) as Command[];
/** The commands that run a world or read one. */
const withWorld = all.filter((command) => command !== 'vectors');

/** Every flag can also be given as an environment variable: `--public-url` as `TOUCHSTONE_PUBLIC_URL`. */
export const options = {
  port: {
    flag: 'port',
    kind: 'integer',
    value: 'N',
    fallback: '4000',
    commands: withWorld.filter((command) => command !== 'grade'),
    sentence:
      'Port of the first ASE. The second ASE listens 100 above it, the control API 900 above it. 0 takes any free ports.',
  },
  host: { flag: 'host', kind: 'string', value: 'ADDRESS', fallback: '127.0.0.1', sentence: 'Address to listen on.' },
  publicUrl: {
    flag: 'public-url',
    kind: 'string',
    value: 'URL',
    sentence:
      'Origin of the first ASE as clients see it. The port of the second ASE is 100 above. Default: http://localhost and the port.',
  },
  world: {
    flag: 'world',
    kind: 'string',
    value: 'FILE',
    commands: ['start', 'grade'],
    sentence: 'Run the world that this YAML file describes instead of the default one.',
  },
  controlPort: {
    flag: 'control-port',
    kind: 'integer',
    value: 'N',
    commands: withWorld,
    sentence: 'Port of the control API.',
  },
  controlHost: {
    flag: 'control-host',
    kind: 'string',
    value: 'ADDRESS',
    fallback: '127.0.0.1',
    sentence: 'Address of the control API. --host does not change it; any but loopback needs TLS or --insecure.',
  },
  controlToken: {
    flag: 'control-token',
    kind: 'string',
    value: 'TOKEN',
    commands: withWorld,
    sentence: 'Token of the control API (secret). Default: a new one at each start, printed.',
  },
  peerControl: {
    flag: 'peer-control',
    kind: 'string',
    value: 'URL',
    commands: ['reconcile'],
    sentence: 'Base URL of the control API of the peers’ world, if that is another world.',
  },
  peerControlToken: {
    flag: 'peer-control-token',
    kind: 'string',
    value: 'TOKEN',
    commands: ['reconcile'],
    sentence: 'Token of that control API (secret).',
  },
  state: {
    flag: 'state',
    kind: 'string',
    value: 'STATE',
    choices: ['pending', 'completed', 'failed'],
    fallback: 'pending',
    commands: ['payments'],
    sentence: 'List the payments in this state.',
  },
  olderThan: {
    flag: 'older-than',
    kind: 'integer',
    value: 'SECONDS',
    fallback: '0',
    maximum: 1_000_000_000,
    commands: ['payments'],
    sentence: 'List only payments that were accepted at least so long ago.',
  },
  once: {
    flag: 'once',
    kind: 'boolean',
    commands: ['log'],
    sentence: 'Print what has happened so far, and end.',
  },
  cancel: {
    flag: 'cancel',
    kind: 'string',
    value: 'PAYMENT',
    commands: ['payments'],
    sentence:
      'Instead of listing, cancel the payment with this id and refund it. Only possible while nothing of it has been delivered and no packet is in doubt. Needs --reason.',
  },
  reason: {
    flag: 'reason',
    kind: 'string',
    value: 'TEXT',
    commands: ['payments'],
    sentence: 'Why the payment is cancelled, for the audit log.',
  },
  ase: {
    flag: 'ase',
    kind: 'string',
    value: 'NAME',
    sentence:
      'Host only this ASE of the world. The others run in other processes with the same --peer-secret. Without that secret, the ASE has only the peers that the control API adds.',
  },
  peerSecret: {
    flag: 'peer-secret',
    kind: 'string',
    value: 'SECRET',
    sentence: 'Shared secret that authenticates the ILP links between the processes of a world (secret).',
  },
  serve: {
    flag: 'serve',
    kind: 'string',
    value: 'SERVERS',
    sentence:
      'Run only these servers of the ASE, separated by commas: auth, identity-provider, resource, wallet-address. The others run in other processes. Needs --ase and the URLs of the other servers.',
  },
  walletAddressServer: {
    flag: 'wallet-address-server',
    kind: 'string',
    value: 'URL',
    sentence: 'Origin of the wallet addresses, if it differs from the origin of the ASE.',
  },
  authServer: {
    flag: 'auth-server',
    kind: 'string',
    value: 'URL',
    sentence: 'Grant endpoint of the authorization server.',
  },
  resourceServer: {
    flag: 'resource-server',
    kind: 'string',
    value: 'URL',
    sentence: 'Base URL of the resource server.',
  },
  identityProvider: {
    flag: 'identity-provider',
    kind: 'string',
    value: 'URL',
    sentence: 'Base URL of the consent pages.',
  },
  introspection: {
    flag: 'introspection-url',
    kind: 'string',
    value: 'URL',
    sentence: 'Token introspection of the authorization server: /{ase}/introspect below its control API.',
  },
  backChannel: {
    flag: 'back-channel-url',
    kind: 'string',
    value: 'URL',
    sentence: 'Back channel of the authorization server: /{ase}/idp below its control API.',
  },
  seed: {
    flag: 'seed',
    kind: 'string',
    value: 'TEXT',
    commands: ['start', 'grade'],
    sentence: 'Make ids, keys and tokens repeatable. Anyone who knows the seed knows all secrets.',
  },
  consent: {
    flag: 'consent',
    kind: 'string',
    value: 'MODE',
    choices: ['auto', 'deny', 'manual'],
    commands: ['start', 'grade'],
    sentence:
      'Grants are accepted or denied automatically, or decided by a person on the consent page. Default: manual; with grade, auto.',
  },
  signIn: {
    flag: 'sign-in',
    kind: 'boolean',
    sentence:
      'Account holders sign in on the consent page with a passphrase, so that only they can consent. The passphrases are printed.',
  },
  profile: {
    flag: 'profile',
    kind: 'string',
    value: 'NAME',
    choices: ['compat', 'strict'],
    fallback: 'compat',
    commands: ['start', 'grade'],
    sentence:
      'compat tolerates known deviations of clients and reports them; strict follows the specification exactly.',
  },
  ...storageOptions,
  tls: {
    flag: 'tls',
    kind: 'boolean',
    commands: ['start', 'grade'],
    sentence:
      'Serve https, with a certificate from an authority that is created at the start and kept in the --data directory, if there is one.',
  },
  tlsCert: {
    flag: 'tls-cert',
    kind: 'string',
    value: 'FILE',
    commands: ['start', 'grade'],
    sentence: 'Serve https with this certificate and its chain (PEM). Needs --tls-key.',
  },
  tlsKey: {
    flag: 'tls-key',
    kind: 'string',
    value: 'FILE',
    commands: ['start', 'grade'],
    sentence: 'Private key of the certificate (PEM, not encrypted).',
  },
  tlsCa: {
    flag: 'tls-ca',
    kind: 'string',
    value: 'FILE',
    commands: ['start', 'grade'],
    sentence: 'Also accept servers with certificates from this authority (PEM).',
  },
  json: {
    flag: 'json',
    kind: 'boolean',
    commands: ['start', 'explain', 'log'],
    sentence:
      'Print JSON. With start, that is one line when ready instead of the banner; it contains the test key and the control token.',
  },
  env: {
    flag: 'env',
    kind: 'string',
    value: 'FILE',
    sentence:
      'When ready, write the variables for clients to this file as lines of a shell (secret), for `. FILE`. The file is removed at the end.',
  },
  detached: {
    flag: 'detached',
    kind: 'boolean',
    sentence:
      'Go on when the program that started this one ends. Otherwise it ends with npm, npx or make, and with --json also with the program above them, or when its standard input is a pipe and is closed.',
  },
  logLevel: {
    flag: 'log-level',
    kind: 'string',
    value: 'LEVEL',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    fallback: 'warn',
    commands: ['start', 'grade'],
    sentence: 'Least severe messages to log, on stderr.',
  },
  insecure: {
    flag: 'insecure',
    kind: 'boolean',
    commands: ['start', 'grade'],
    sentence:
      'Allow features that are for tests, such as a seed or automatic consent, on addresses that are not loopback; docs/exposure.md lists them.',
  },
  allowPrivateAddresses: {
    flag: 'allow-private-addresses',
    kind: 'string',
    value: 'RANGES',
    commands: ['start', 'grade'],
    sentence:
      'Let clients and receivers name URLs at these private addresses: loopback, private, or CIDR such as 172.16.0.0/12, separated by commas. Default: loopback where only this machine can reach the world, otherwise none but the servers of the world.',
  },
  rateLimits: {
    flag: 'rate-limits',
    kind: 'string',
    value: 'MODE',
    choices: ['auto', 'on', 'off'],
    fallback: 'auto',
    sentence:
      'Limit the requests and the stored bytes of each address and client key; auto does so where docs/exposure.md refuses to go without.',
  },
  trustedProxies: {
    flag: 'trusted-proxies',
    kind: 'integer',
    value: 'N',
    fallback: '0',
    sentence:
      'Number of reverse proxies in front. The address of a client is then the one that they add to X-Forwarded-For.',
  },
  recordExchanges: {
    flag: 'record-exchanges',
    kind: 'integer',
    value: 'N',
    maximum: 1000,
    sentence:
      'Keep the last N requests with their answers in memory, for touchstone explain exchange. Default: 200 where only this machine can reach the world, otherwise 0.',
  },
  ...gradeOptions,
  failpoint: {
    flag: 'failpoint',
    kind: 'string',
    value: 'NAME[:N]',
    sentence:
      'Kill the process when a payment passes this point for the N-th time, for crash tests: payment-stored, hold-stored, prepare-stored, packet-sent, packet-credited, packet-answered, packet-booked or job-done.',
  },
  help: { flag: 'help', kind: 'boolean', commands: all, sentence: 'Print the options of the command.' },
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
} & {
  /** Arguments without a flag. */
  readonly operands: readonly string[];
};

export type Table = readonly (readonly [name: string, option: Option])[];

export const optionsOf = (command: Command): Table =>
  (Object.entries(options) as [string, Option][]).filter(([, { commands: takers = ['start'] }]) =>
    takers.includes(command),
  );

export const environmentName = ({ flag }: { readonly flag: string }): string =>
  `TOUCHSTONE_${flag.toUpperCase().replaceAll('-', '_')}`;
