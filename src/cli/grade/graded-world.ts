/** A fresh world for one run of a client's command, on free ports of this machine. */
import type { Logger } from 'pino';
import type { RunFacts } from '../../grade/conclusion.ts';
import { createIds } from '../../ids.ts';
import { parseAddressRanges } from '../../net/addresses.ts';
import { createDeployment } from '../../world/deployment.ts';
import { mainWorldId } from '../../world/naming.ts';
import { type ClientFiles, describeVariables } from '../client-files.ts';
import { chooseDatabase, chooseTls } from '../deployment-options.ts';
import type { Config } from '../options.ts';
import { explainDatabaseError } from '../preflight.ts';

export interface GradedWorld {
  /** The variables for clients. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  /** Everything about the run. `output` is what the command printed. */
  readRun(output: string): RunFacts;
  /** Ends the requests in progress, and deletes the rows of the world. */
  close(): Promise<void>;
}

/** Throws ConfigError. */
export async function startGradedWorld(config: Config, files: ClientFiles, log: Logger): Promise<GradedWorld> {
  const definition =
    config.world === undefined
      ? undefined
      : await (await import('../../world/definition/file.ts')).readWorldFile(config.world);
  const tls = await chooseTls(config, files.directory);
  const database = chooseDatabase(config);
  try {
    const deployment = await createDeployment({
      host: '127.0.0.1',
      controlPort: 0,
      database,
      insecure: false,
      allowedRanges: parseAddressRanges(config.allowPrivateAddresses),
      tls,
      log,
    });
    try {
      // Other worlds can live in a database server. Rows of additional worlds are deleted at the end.
      const id = database.kind === 'embedded' ? mainWorldId : createIds(undefined, 'graded').uuid();
      const { seed, profile } = config;
      const world = await deployment.addWorld(id, { definition, seed, profile, consent: 'auto', gradesAll: true });
      const key = await files.writeClientKey(world);
      return {
        variables: describeVariables(world, { key, authority: tls?.authorityFile }),
        secrets: world.secrets,
        readRun: (output) => world.controls.readRun!(output),
        close: deployment.close,
      };
    } catch (error) {
      await deployment.close();
      throw error;
    }
  } catch (error) {
    throw explainDatabaseError(error, config.databaseUrl);
  }
}
