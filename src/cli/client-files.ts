/** The files for clients: the test key, the certificate authority, and the variables of `--env`. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { openPrivateDirectory, writePrivateFile } from '../net/private-files.ts';
import type { World } from '../world/world.ts';

export interface ClientFiles {
  /** The data directory, or a temporary one. */
  readonly directory: string;
  /** Writes the client's test key to a file that only this user can read. Undefined if the key is unknown. */
  writeClientKey(world: World): Promise<string | undefined>;
  /** Writes the variables as lines of a shell. Throws ConfigError. */
  writeEnvironment(file: string, variables: Readonly<Record<string, string>>): Promise<void>;
  /** Deletes all files that the user did not ask to keep. Synchronous, so that it also runs on the way out. */
  remove(): void;
}

/** Paths of the files for clients: the test key, and the certificate authority to accept. */
export interface PathsForClients {
  readonly key?: string;
  readonly authority?: string;
}

/** The variables for clients, with the paths of the files. The names are stable. */
export const describeVariables = (world: World, { key, authority }: PathsForClients): Record<string, string> => ({
  ...world.describeEnvironment(),
  ...(key !== undefined && { TOUCHSTONE_PRIVATE_KEY_FILE: key }),
  ...(authority !== undefined && { TOUCHSTONE_CA: authority }),
});

/** The environment of a command. Node clients take the authority of a world with TLS from there, unless another is set. */
export function withAuthority(
  env: Readonly<Record<string, string | undefined>>,
  variables: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const authority = variables['TOUCHSTONE_CA'];
  return { ...(authority !== undefined && { NODE_EXTRA_CA_CERTS: authority }), ...env, ...variables };
}

/** Throws ConfigError if no temporary directory can be created. */
export async function openFiles(data: string | undefined): Promise<ClientFiles> {
  const directory = data === undefined ? await createTemporaryDirectory() : resolve(data);
  if (data !== undefined) await openPrivateDirectory(directory);
  const temporary = data === undefined ? [directory] : [];
  return {
    directory,
    async writeClientKey({ clientKey }) {
      if (clientKey === undefined) return undefined;
      const file = join(directory, 'client.pem');
      await writePrivateFile(file, clientKey);
      return file;
    },
    async writeEnvironment(file, variables) {
      const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`);
      try {
        await writePrivateFile(file, lines.join(''));
      } catch (error) {
        throw new ConfigError(`--env cannot write ${file} (${(error as NodeJS.ErrnoException).code}): name a file`);
      }
      temporary.push(file);
    },
    remove() {
      for (const path of temporary) rmSync(path, { recursive: true, force: true });
    },
  };
}

const quoteForShell = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

async function createTemporaryDirectory(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'touchstone-'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `cannot create a directory in ${tmpdir()} (${code}): set TMPDIR to a directory, or use --data`,
    );
  }
}
