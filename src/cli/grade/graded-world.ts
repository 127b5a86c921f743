/** Fresh worlds for runs of a client's command, on free ports of this machine and in one database. */
import type { Logger } from 'pino';
import type { RunFacts } from '../../grade/conclusion.ts';
import type { ProbeWorld } from '../../grade/run-probe.ts';
import type { WorldChanges } from '../../grade/traps/trap.ts';
import type { TracedExchange } from '../../http/request-trace.ts';
import { createIds } from '../../ids.ts';
import { parseAddressRanges } from '../../net/addresses.ts';
import { defaultWorld } from '../../world/definition/definition.ts';
import { createDeployment } from '../../world/deployment.ts';
import { mainWorldId } from '../../world/naming.ts';
import { changeForProbe, describeProbeWorld } from '../../world/probe-world.ts';
import type { World } from '../../world/world.ts';
import { type ClientFiles, describeVariables, openFiles } from '../client-files.ts';
import { chooseDatabase, chooseTls } from '../deployment-options.ts';
import type { Config } from '../options.ts';
import { checkFixedPorts, explainDatabaseError } from '../preflight.ts';
import { outcomeVariable } from './outcome-file.ts';

const HOST = '127.0.0.1';

export interface GradedWorld {
  /** The variables for clients. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  /** Calls the listener with each exchange, in order. */
  subscribe(listener: (exchange: TracedExchange) => void): void;
  /** Everything about the run. `output` is what the command printed. */
  readRun(output: string): Promise<RunFacts>;
  /** Ends the requests in progress, and deletes the rows of the world. */
  close(): Promise<void>;
}

export interface GradedWorlds {
  readonly hasTls: boolean;
  startPlain(): Promise<GradedWorld>;
  startForProbe(changes: WorldChanges): Promise<ProbeWorld>;
  close(): Promise<void>;
}

/** Throws ConfigError. */
export async function openGradedWorlds(config: Config, files: ClientFiles, log: Logger): Promise<GradedWorlds> {
  const definition =
    config.world === undefined
      ? defaultWorld
      : await (await import('../../world/definition/file.ts')).readWorldFile(config.world);
  await checkFixedPorts(HOST, definition);
  const tls = await chooseTls(config, files.directory);
  const database = chooseDatabase(config);
  const explain = (error: unknown): never => {
    throw explainDatabaseError(error, config.databaseUrl);
  };
  const deployment = await createDeployment({
    host: HOST,
    controlPort: 0,
    database,
    insecure: config.insecure,
    allowedRanges: parseAddressRanges(config.allowPrivateAddresses),
    tls,
    log,
  }).catch(explain);
  const ids = createIds(undefined, 'graded');
  const { seed, profile, consent = 'auto' } = config;

  async function start(id: string, changed = definition) {
    const options = { definition: changed, seed, profile, consent, gradesAll: true } as const;
    const world = await deployment.addWorld(id, options).catch(explain);
    // Each world has a key, so each needs files.
    const ownFiles = await openFiles(undefined);
    const key = await ownFiles.writeClientKey(world);
    const close = async (): Promise<void> => {
      ownFiles.remove();
      await deployment.removeWorld(id);
    };
    const variables = {
      ...describeVariables(world, { key, authority: tls?.authorityFile }),
      ...outcomeVariable(ownFiles.directory),
    };
    return { world, variables, close };
  }

  return {
    hasTls: tls !== undefined,
    async startPlain() {
      // In a database server, other worlds can exist, so that only an additional world is sure to be fresh.
      const { world, variables, close } = await start(database.kind === 'embedded' ? mainWorldId : ids.uuid());
      return { variables, close, ...describePlainWorld(world) };
    },
    async startForProbe(changes) {
      const changed = await changeForProbe(definition, changes, tls ? 'https' : 'http');
      const { world, variables, close } = await start(ids.uuid(), changed);
      return describeProbeWorld(world, variables, close);
    },
    close: deployment.close,
  };
}

const describePlainWorld = ({ secrets, controls }: World): Omit<GradedWorld, 'variables' | 'close'> => ({
  secrets,
  subscribe: controls.subscribeToExchanges,
  readRun: (output) => controls.readRun!(output),
});
