/** `touchstone start`: runs a world until a signal stops it. */
import { ConfigError, didYouMean } from '../errors.ts';
import { loadRejections } from '../http/request-validator.ts';
import { parseAddressRanges } from '../net/addresses.ts';
import { isLoopback } from '../net/loopback.ts';
import { failpointNames, killAt, parseFailpoint } from '../payments/outgoing/failpoint.ts';
import { startTracing } from '../telemetry/otlp.ts';
import { defaultWorld } from '../world/definition/definition.ts';
import { createDeployment, type Deployment } from '../world/deployment.ts';
import { mainWorldId } from '../world/naming.ts';
import type { World } from '../world/world.ts';
import { describeVariables, openFiles, type PathsForClients } from './client-files.ts';
import { chooseDatabase, chooseTls, createLogger } from './deployment-options.ts';
import { atFirstPause } from './first-pause.ts';
import { formatAmount } from './format-amount.ts';
import { endOnSignal } from './lifetime.ts';
import { CONTROL_PORT_OFFSET, type Config } from './options.ts';
import { checkBeforeStart, explainDatabaseError } from './preflight.ts';
import { readServedServers, readServerUrls } from './serve.ts';

export async function start(config: Config, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  performance.mark('touchstone: program loaded');
  // Every file that the program makes can hold secrets, those of the embedded database too.
  process.umask(0o077);
  const log = createLogger(config.logLevel);
  const serves = readServedServers(config);
  const definition =
    config.world === undefined
      ? undefined
      : await (await import('../world/definition/file.ts')).readWorldFile(config.world);
  const stopTracing = await startTracing(env, log);
  const failpoint = readFailpoint(config.failpoint);
  const allowedRanges = parseAddressRanges(config.allowPrivateAddresses);
  await checkBeforeStart(config, definition ?? defaultWorld, serves);
  if (serves.includes('resource') && config.ase !== undefined && !config.peerSecret && !config.seed) {
    log.warn(`without --peer-secret, ${config.ase} has only the peers that the control API adds`);
  }
  const files = await openFiles(config.data);
  let deployment: Deployment | undefined;
  const lifetime = endOnSignal(files.remove, log, config);
  try {
    const tls = await chooseTls(config, files.directory);
    deployment = await createDeployment({
      host: config.host,
      controlHost: config.controlHost,
      controlPort: config.controlPort ?? (config.port === 0 ? 0 : config.port + CONTROL_PORT_OFFSET),
      database: chooseDatabase(config),
      insecure: config.insecure,
      allowedRanges,
      tls,
      log,
    });
    const world = await deployment.addWorld(mainWorldId, {
      definition,
      port: config.port,
      publicUrl: config.publicUrl,
      controlToken: config.controlToken,
      only: config.ase,
      serves,
      servers: readServerUrls(config),
      peerSecret: config.peerSecret,
      seed: config.seed,
      consent: config.consent ?? 'manual',
      signIn: config.signIn,
      profile: config.profile,
      rateLimits: config.rateLimits,
      trustedProxies: config.trustedProxies,
      recordExchanges: config.recordExchanges,
      failpoint,
    });
    performance.mark('touchstone: world founded');
    const paths = { key: await files.writeClientKey(world), authority: tls?.authorityFile };
    const line = { pid: process.pid, startedInMs: Math.round(process.uptime() * 1000), seed: config.seed ?? null };
    const ready = describeReady(world, paths, line);
    if (config.env !== undefined) await files.writeEnvironment(config.env, ready.env);
    const { close } = deployment;
    lifetime.closeWith(() => close().finally(stopTracing));
    atFirstPause(() => void loadRejections().catch((error) => log.error({ err: error }, 'rejections were not loaded')));
    process.stdout.write(
      config.json
        ? `${JSON.stringify(ready)}\n`
        : printBanner(world, config, paths, { ...line, inspector: deployment.issueInspectorLink() }),
    );
  } catch (error) {
    await deployment?.close();
    files.remove();
    throw explainDatabaseError(error, config.databaseUrl);
  }
}

function readFailpoint(text: string | undefined) {
  if (text === undefined) return undefined;
  const point = parseFailpoint(text);
  if (!point) {
    throw new ConfigError(
      `unknown failpoint ${text}${didYouMean(text, failpointNames) || `; the failpoints are ${failpointNames.join(', ')}`}`,
    );
  }
  return killAt(point.name, point.n);
}

/** The line of `--json`: everything that a client needs. The names are stable. */
function describeReady(
  world: World,
  files: PathsForClients,
  line: { pid: number; startedInMs: number; seed: string | null },
) {
  const { controls } = world;
  return {
    event: 'ready',
    version: controls.version,
    spec: controls.spec,
    profile: controls.profile,
    ...line,
    ases: world.ases,
    ...(world.passphrases.length > 0 && { passphrases: world.passphrases }),
    env: describeVariables(world, files),
  };
}

function printBanner(
  world: World,
  config: Config,
  files: PathsForClients,
  { startedInMs, inspector }: { readonly startedInMs: number; readonly inspector: string },
): string {
  const { definition, controls } = world;
  const storage = config.databaseUrl
    ? 'postgresql'
    : config.data
      ? `embedded in ${config.data}`
      : 'embedded, in memory (gone at the end)';
  const nameWidth = Math.max(9, ...world.ases.map(({ name }) => name.length));
  const urls = world.ases.flatMap(({ walletAddresses }) => walletAddresses.map(({ url }) => url.length));
  const urlWidth = Math.max(44, ...urls);
  const wallets = world.ases.flatMap(({ name, walletAddresses }) =>
    walletAddresses.map(({ url, assetCode, assetScale, balance }, index) => {
      const amount = formatAmount(BigInt(balance), assetScale).padStart(12);
      const label = (index === 0 ? name : '').padEnd(nameWidth);
      return `  ${label} ${url.padEnd(urlWidth)} ${assetCode}/${assetScale} ${amount}`;
    }),
  );
  return [
    `touchstone ${controls.version}   spec ${controls.spec}   seed ${config.seed ?? 'none'}   clock ${controls.clock().mode}   consent ${controls.consent()}   profile ${config.profile}`,
    `storage ${storage}   ready in ${startedInMs} ms`,
    ...wallets,
    ...(files.key
      ? [
          `  client    ${world.walletUrl(definition.client)}   key id ${definition.client.keyId}   private key ${files.key}`,
        ]
      : []),
    ...world.passphrases.map(
      ({ ase, account, passphrase }) => `  sign in   ${ase.padEnd(9)} ${account.padEnd(24)} ${passphrase}`,
    ),
    `  control   ${world.controlUrl}   token ${world.controlToken}`,
    `  inspector ${inspector}   (works once)`,
    ...(files.authority ? [`  tls       certificates of the authority ${files.authority}`] : []),
    `  try       curl ${files.authority ? `--cacert ${files.authority} ` : ''}${reachableUrl(world, definition.receiver)}`,
    '  stop      Ctrl-C   options: touchstone start --help   control API: docs/control-api.md',
    '',
  ].join('\n');
}

/** The URL of a wallet address under an alias that leads to this machine, where the published name does not. */
function reachableUrl(world: World, wallet: { readonly ase: string; readonly path: string }): string {
  const published = world.walletUrl(wallet);
  const { servers } = world.definition.ases.find(({ name }) => name === wallet.ase) ?? {};
  const isLocal = (url: string) => isLoopback(new URL(url).hostname);
  const alias = servers?.walletAddressServer?.aliases?.find(isLocal);
  return isLocal(published) || alias === undefined ? published : alias.replace(/\/$/, '') + wallet.path;
}
