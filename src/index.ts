/**
 * The library: a world inside a test's own process.
 *
 * ```ts
 * await using world = await createWorld({ consent: 'auto' });
 * const { TOUCHSTONE_WALLET_ADDRESS } = world.env;
 * ```
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, didYouMean } from './errors.ts';

// These types name no others, so that the package compiles alone.

export interface CreateWorldOptions {
  /** Path of a world file. Default: the default world. */
  readonly world?: string;
  /** Default: auto. */
  readonly consent?: 'auto' | 'deny' | 'manual';
  /** Default: compat. */
  readonly profile?: 'strict' | 'compat';
  /** Makes ids, keys and tokens repeatable. */
  readonly seed?: string;
  /** Account holders must sign in before they consent. Default: the setting of the world file. */
  readonly signIn?: boolean;
  /** Port of the first ASE. 0, the default, takes any free ports. */
  readonly port?: number;
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  readonly controlToken?: string;
  /** URL of a PostgreSQL database. Default: an embedded database in memory. */
  readonly database?: string;
  /** Allow test-only features on addresses that are not loopback. */
  readonly insecure?: boolean;
  /** Private addresses that requests to clients and receivers may go to: loopback, private, or CIDR, separated by commas. */
  readonly allowPrivateAddresses?: string;
  /** https origins: true for a generated authority, or files in PEM. */
  readonly tls?: boolean | { readonly certFile: string; readonly keyFile: string; readonly caFile?: string };
}

export interface RunningWorld {
  /** Variables for a client, with the names that the command line prints. */
  readonly env: Readonly<Record<string, string>>;
  readonly controlUrl: string;
  readonly controlToken: string;
  /** The client's private key (PKCS#8 PEM). */
  readonly clientKey: string | undefined;
  /** Certificate of the generated authority, for `NODE_EXTRA_CA_CERTS`. */
  readonly authorityFile: string | undefined;
  /** Makes the clock of the world show this time, in milliseconds since 1970. */
  setTime(time: number): Promise<void>;
  setConsent(consent: 'auto' | 'deny' | 'manual'): Promise<void>;
  /** Restores the state at the start. */
  reset(): Promise<void>;
  /** Resolves when no payment is in progress. */
  settled(): Promise<void>;
  /** Stops the world, its listeners and its database. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const text = (value: unknown) => typeof value === 'string' && value !== '';
const boolean = (value: unknown) => typeof value === 'boolean';
const oneOf = (...words: readonly string[]) =>
  [`one of ${words.join(', ')}`, (value: unknown) => words.includes(value as string)] as const;
const fileNames = ['certFile', 'keyFile', 'caFile'];

function isTls(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return boolean(value);
  const hasPair = 'certFile' in value && 'keyFile' in value;
  return hasPair && Object.entries(value).every(([name, file]) => fileNames.includes(name) && text(file));
}

/** The expected value of each option in words, and its test. */
const checks: Readonly<Record<keyof CreateWorldOptions, readonly [string, (value: unknown) => boolean]>> = {
  world: ['the path of a world file', text],
  consent: oneOf('auto', 'deny', 'manual'),
  profile: oneOf('strict', 'compat'),
  seed: ["a string that is not empty, such as '42'", text],
  signIn: ['true or false', boolean],
  port: [
    'a whole number from 0 to 65535',
    (port) => Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65_535,
  ],
  host: ['an address', text],
  controlToken: ['a string that is not empty', text],
  database: [
    'the URL of a PostgreSQL database',
    (url) => text(url) && /^postgres(ql)?:$/.test(URL.parse(String(url))?.protocol ?? ''),
  ],
  insecure: ['true or false', boolean],
  allowPrivateAddresses: ['loopback, private, or CIDR ranges separated by commas', text],
  tls: ['true, false or { certFile, keyFile, caFile }', isTls],
};

/** Throws ConfigError with one line for each mistake. Values are not quoted, because some are secrets. */
function checkOptions(options: CreateWorldOptions): void {
  const names = Object.keys(checks);
  const mistakes = Object.entries(options).flatMap(([name, value]) => {
    if (!Object.hasOwn(checks, name)) {
      return [
        `createWorld: unknown option ${name}${didYouMean(name, names) || `; the options are ${names.join(', ')}`}`,
      ];
    }
    const [expected, accepts] = checks[name as keyof CreateWorldOptions];
    return value === undefined || accepts(value) ? [] : [`createWorld: ${name} must be ${expected}`];
  });
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
}

/** Starts a world on free ports. Consent is automatic by default. Rejects with one sentence for each wrong option. */
export async function createWorld(options: CreateWorldOptions = {}): Promise<RunningWorld> {
  checkOptions(options);
  const { world: file, database: url, tls: secure = false, ...rest } = options;
  const { readWorldFile } = await import('./world/definition/file.ts');
  const { openTls } = await import('./net/tls.ts');
  const { startEmbeddedWorld } = await import('./world/embedded.ts');
  const definition = file === undefined ? undefined : await readWorldFile(file);
  const directory = secure ? await mkdtemp(join(tmpdir(), 'touchstone-')) : undefined;
  const removeDirectory = async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  };
  try {
    const tls =
      directory === undefined ? undefined : await openTls({ directory, ...(typeof secure === 'object' && secure) });
    const world = await startEmbeddedWorld({
      ...rest,
      ...(definition && { definition }),
      ...(tls && { tls }),
      ...(url !== undefined && { database: { kind: 'postgresql', url } }),
    });
    const close = async () => {
      await world.close();
      await removeDirectory();
    };
    return {
      env: world.env,
      controlUrl: world.controlUrl,
      controlToken: world.controlToken,
      clientKey: world.clientKey,
      authorityFile: tls?.authorityFile,
      setTime: (time) => world.controls.changeClock({ action: 'set', time }),
      setConsent: (consent) => world.controls.setConsent(consent),
      reset: () => world.controls.reset(),
      settled: () => world.settled(),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}
