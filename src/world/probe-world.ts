/** Worlds for probes: the changes of a definition that a trap asks for, and what a probe uses of a world. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { gatherEvidence } from '../grade/probe-evidence.ts';
import type { ProbeWorld } from '../grade/run-probe.ts';
import type { WorldChanges } from '../grade/traps/trap.ts';
import type { AseDefinition, PublicUrl, ServerDefinition, WorldDefinition } from './definition/definition.ts';
import type { World } from './world.ts';

/** The newest exchanges of a run among which its evidence is. */
const MAX_EXCHANGES = 1000;

/** Free ports, which were different for a moment. */
async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The servers that clients find in wallet address documents, on separate hosts, ports and paths. */
async function moveApart(ase: AseDefinition, scheme: string): Promise<AseDefinition> {
  const [wallet, auth, resource] = (await findFreePorts(3)) as [number, number, number];
  const moved: Partial<Record<PublicUrl, ServerDefinition>> = {
    walletAddressServer: { port: wallet, url: `${scheme}://localhost:${wallet}` },
    authServer: { port: auth, url: `${scheme}://127.0.0.1:${auth}/gnap` },
    resourceServer: { port: resource, url: `${scheme}://localhost:${resource}/open-payments` },
  };
  return { ...ase, servers: { ...ase.servers, ...moved } };
}

/** The definition with the changes of a trap. */
export async function changeForProbe(
  definition: WorldDefinition,
  { apart, assetScale }: WorldChanges,
  scheme: 'http' | 'https' = 'http',
): Promise<WorldDefinition> {
  const { sender, receiver } = definition;
  const currency = definition.ases
    .find(({ name }) => name === sender.ase)!
    .wallets.find(({ path }) => path === sender.path)!.asset.code;
  const rescale = (ase: AseDefinition): AseDefinition => ({
    ...ase,
    wallets: ase.wallets.map((wallet) => {
      const isJudged = [sender, receiver].some(({ ase: name, path }) => name === ase.name && path === wallet.path);
      return isJudged ? { ...wallet, asset: { code: currency, scale: assetScale! } } : wallet;
    }),
  });
  const rescaled = assetScale === undefined ? definition.ases : definition.ases.map(rescale);
  const ases = apart ? await Promise.all(rescaled.map((ase) => moveApart(ase, scheme))) : rescaled;
  return { ...definition, ases };
}

/** The parts of a world that a probe uses. It must allow faults. */
export function describeProbeWorld(
  { controls, secrets }: Pick<World, 'controls' | 'secrets'>,
  env: Readonly<Record<string, string>>,
  close: () => Promise<void>,
): ProbeWorld {
  const { traps, numberOfRequest, switches } = controls;
  if (!traps) throw new Error('probes need a world that allows faults');
  const origins = controls.origins();
  const exchanges = () =>
    controls.listExchanges({ limit: MAX_EXCHANGES }).flatMap(({ id }) => controls.findExchange(id) ?? []);
  return {
    ...traps.world,
    env,
    intercept: traps.intercept,
    numberOf: numberOfRequest,
    gatherEvidence: (wanted) => gatherEvidence({ exchanges: exchanges(), origins, switches, secrets }, wanted),
    close,
  };
}
