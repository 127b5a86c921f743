/** Checks before anything is created, so that a mistake costs no time and leaves nothing behind. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { type ServerName, serverNames } from '../ase/server-urls.ts';
import { ConfigError, didYouMean } from '../errors.ts';
import { createDirectory } from '../net/private-files.ts';
import type { AseDefinition, WorldDefinition } from '../world/definition/definition.ts';
import { selectPort } from '../world/listeners.ts';
import { CONTROL_PORT_OFFSET, type Config } from './options.ts';

const MAX_PORT = 65_535;

/** Throws ConfigError with one sentence: what is wrong, where, and what to do. */
export async function checkBeforeStart(
  config: Config,
  definition: WorldDefinition,
  serves: readonly ServerName[],
): Promise<void> {
  const hosted = selectHosted(config, definition);
  const ports = listPorts(config, hosted, serves);
  checkPublicUrl(config.publicUrl, definition.ases);
  checkDatabase(config);
  if (config.data !== undefined) await prepareDirectory(config.data);
  // Port 0 tries the address alone.
  const addresses = [
    { host: config.host, port: 0, name: 'the ASEs', option: '--host' },
    { host: config.controlHost, port: 0, name: 'the control API', option: '--control-host' },
  ];
  for (const each of [...addresses, ...ports]) await probePort(each);
}

/** Throws ConfigError if a port that the world file names is in use, or not allowed to this user. */
export async function checkFixedPorts(host: string, { ases }: WorldDefinition): Promise<void> {
  const ports = new Map(ases.flatMap((ase) => serverNames.map((server) => [selectPort(0, ase, server), ase.name])));
  ports.delete(0);
  for (const [port, name] of ports) await probePort({ host, port, name, option: '--host', isFixed: true });
}

function selectHosted({ ase }: Config, { ases }: WorldDefinition): readonly AseDefinition[] {
  if (ase === undefined) return ases;
  const hosted = ases.filter(({ name }) => name === ase);
  if (hosted.length > 0) return hosted;
  const names = ases.map(({ name }) => name);
  throw new ConfigError(
    `--ase ${ase}: the world has other ASEs${didYouMean(ase, names)}; they are ${names.join(', ')}`,
  );
}

interface UsedPort {
  readonly host: string;
  readonly port: number;
  /** The part of the program that listens there. */
  readonly name: string;
  /** The option that has the host. */
  readonly option: string;
  /** The world file names the port. */
  readonly isFixed?: boolean;
}

function listPorts(config: Config, hosted: readonly AseDefinition[], serves: readonly ServerName[]): UsedPort[] {
  const { host, port, controlHost, controlPort } = config;
  const control = controlPort ?? (port === 0 ? 0 : port + CONTROL_PORT_OFFSET);
  const used = new Map<number, string>();
  const fixed = new Set<number>();
  for (const ase of hosted) {
    for (const server of serves) {
      used.set(selectPort(port, ase, server), ase.name);
      fixed.add(selectPort(0, ase, server));
    }
  }
  const sharing = control === 0 ? undefined : used.get(control);
  if (sharing !== undefined) {
    throw new ConfigError(`the control API and ${sharing} both have port ${control}: choose another --control-port`);
  }
  const ports = [
    ...[...used].map(([each, name]) => ({ host, port: each, name, option: '--host', isFixed: fixed.has(each) })),
    { host: controlHost, port: control, name: 'the control API', option: '--control-host' },
  ];
  const tooHigh = ports.filter((each) => each.port > MAX_PORT).toSorted((a, b) => b.port - a.port)[0];
  if (tooHigh) {
    const highest = MAX_PORT - (tooHigh.port - port);
    throw new ConfigError(
      `--port ${port} is too high, because ${tooHigh.name} would have port ${tooHigh.port}: choose at most ${highest}, or 0 for any free ports`,
    );
  }
  return ports.filter((each) => each.port !== 0);
}

function checkPublicUrl(text: string | undefined, ases: readonly AseDefinition[]): void {
  if (text === undefined) return;
  const url = URL.parse(text);
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !/[?#@]/.test(text);
  if (!isOrigin) throw new ConfigError(`--public-url takes an origin such as https://ase.example, not '${text}'`);
  const first = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const following = ases.filter((ase) => ase.port === undefined).map(({ portOffset }) => portOffset);
  const last = Math.max(0, ...following);
  if (first + last > MAX_PORT) {
    throw new ConfigError(
      `--public-url ${text}: its port is too high, because another ASE would have port ${first + last}: choose at most ${MAX_PORT - last}`,
    );
  }
}

function checkDatabase({ databaseUrl, databaseReplicaUrl, databaseConnections, data }: Config): void {
  if (databaseReplicaUrl !== undefined && databaseUrl === undefined) {
    throw new ConfigError('--database-replica-url needs --database-url, the primary of the replica: add it');
  }
  if (databaseConnections !== undefined && databaseUrl === undefined) {
    throw new ConfigError('--database-connections needs --database-url: the embedded database has one connection');
  }
  // Reads that overlap without end share one of them, and would leave none to transactions.
  if (databaseConnections !== undefined && databaseConnections < 2) {
    throw new ConfigError(`--database-connections takes a number from 2 to 1000, not ${databaseConnections}`);
  }
  if (databaseUrl === undefined) return;
  if (data !== undefined) throw new ConfigError('--data and --database-url exclude each other: leave one out');
  checkDatabaseUrl('--database-url', databaseUrl);
  if (databaseReplicaUrl !== undefined) checkDatabaseUrl('--database-replica-url', databaseReplicaUrl);
}

function checkDatabaseUrl(option: string, text: string): void {
  const url = URL.parse(text);
  // Not quoted: it may contain a password.
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !isDecodable(url.username + url.password + url.pathname)) {
    throw new ConfigError(`${option} takes a URL such as postgres://user@localhost/touchstone, with % written as %25`);
  }
  // An sslmode that is ignored would send the password in clear text.
  if (url.search !== '') {
    throw new ConfigError(
      `${option} takes no parameters such as sslmode, because the connection is not encrypted: leave out what begins with ?`,
    );
  }
}

async function prepareDirectory(data: string): Promise<void> {
  const directory = resolve(data);
  try {
    await createDirectory(directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOTDIR' ? 'it or a part of its path is not a directory' : code;
    throw new ConfigError(`--data cannot use ${directory} (${reason}): name a directory in which you can write`);
  }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Listens and closes again. Another program can still take the port before the real listener. */
async function probePort(used: UsedPort): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((done, fail) => server.once('error', fail).listen(used.port, used.host, done));
  } catch (error) {
    throw explainListenError(error as NodeJS.ErrnoException, used);
  }
  await new Promise((done) => server.close(done));
}

function explainListenError(error: NodeJS.ErrnoException, used: UsedPort): Error {
  const { host, port, name, option, isFixed } = used;
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `port ${port} of ${host}, for ${name}, is in use, perhaps by another Touchstone: stop it, or ${isFixed ? 'change the port in the world file' : 'use --port 0 for any free ports'}`,
      );
    case 'EACCES':
      return new ConfigError(
        `port ${port} of ${host}, for ${name}, is not allowed to this user: use ${isFixed ? 'a port above 1023 in the world file' : '--port with a number above 1023, or 0 for any free ports'}`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new ConfigError(
        `${option} ${host} is not an address of this machine (${error.code}): use 127.0.0.1, or 0.0.0.0 for all addresses`,
      );
    default:
      return error;
  }
}

const unreachable = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNRESET',
];
/** SQLSTATE classes: connection, authorization, no such database, too many connections, starting up. */
const refusals = /^(08|28|3D|42501|53|57P)/;

/** The error of a database that does not let us in, in one sentence without the password. */
export function explainDatabaseError(error: unknown, databaseUrl: string | undefined): unknown {
  if (databaseUrl === undefined || error instanceof ConfigError) return error;
  for (let each = error; each instanceof Error; each = each.cause ?? (each as { previous?: unknown }).previous) {
    const { code = '', message } = each as NodeJS.ErrnoException;
    const isTimeout = /timeout.*connect|connection terminated/i.test(message);
    if (!unreachable.includes(code) && !refusals.test(code) && !isTimeout) continue;
    const { host, pathname, username } = new URL(databaseUrl);
    const reason = refusals.test(code) ? message.split('\n', 1)[0] : code || 'it does not answer';
    return new ConfigError(
      `--database-url: cannot use the database ${pathname.slice(1)} at ${host} as ${username || 'this user'} (${reason}): start PostgreSQL there, or correct the URL`,
    );
  }
  return error;
}
