/**
 * `touchstone reconcile`: compares the statements of each pair of peers. The two balances add up to zero, except for
 * packets in doubt that the receiver has booked (ILP-18). Any other difference is an error.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../errors.ts';
import { type ControlApi, createControlApi, openControlApi } from './control-client.ts';
import { formatAmount } from './format-amount.ts';
import type { Config } from './options.ts';

interface Asset {
  readonly assetCode: string;
  readonly assetScale: number;
}

interface Statement {
  readonly peer: string;
  readonly address: string;
  readonly peerAddress: string;
  readonly accounts: readonly (Asset & { readonly balance: string })[];
  readonly packetsInDoubt: readonly (Asset & { readonly condition: string; readonly amount: string })[];
}

interface Side {
  readonly api: ControlApi;
  readonly ase: string;
  readonly statement: Statement;
}

export interface Comparison extends Asset {
  readonly here: string;
  readonly there: string;
  readonly balanceHere: bigint;
  readonly balanceThere: bigint;
  /** Packets in doubt on either side. */
  readonly inDoubt: number;
  /** Sum of the packets that only their receivers have booked. */
  readonly booked: bigint;
}

/** Difference that the packets in doubt do not explain. 0 if the two agree. */
const unexplained = ({ balanceHere, balanceThere, booked }: Comparison): bigint => balanceHere + balanceThere + booked;

/** Packets move during the reading, so a difference counts only if it persists. */
const ATTEMPTS = 5;
const RETRY_MS = 300;

export async function printReconciliation(config: Config, control: string | undefined): Promise<void> {
  const apis = [openControlApi(config, 'reconcile', control)];
  if (config.peerControl !== undefined) {
    if (config.peerControlToken === undefined) throw new ConfigError('--peer-control needs --peer-control-token');
    apis.push(createControlApi(config.peerControl, config.peerControlToken, '--peer-control'));
  }
  for (let attempt = 1; ; attempt += 1) {
    const sides = (await Promise.all(apis.map(readSides))).flat();
    const { pairs, alone } = pair(sides);
    const comparisons = (await Promise.all(pairs.map(([a, b]) => compare(a, b)))).flat();
    const isExplained = comparisons.every((each) => unexplained(each) === 0n);
    if (!isExplained && attempt < ATTEMPTS) {
      await sleep(RETRY_MS);
      continue;
    }
    if (pairs.length === 0) throw new ConfigError('no two peers to compare: set --peer-control for the other world');
    process.stdout.write(printComparisons(pairs, comparisons, alone));
    if (!isExplained) process.exitCode = 1;
    return;
  }
}

/** The statements of all ASEs of a control API about all their peers. */
async function readSides(api: ControlApi): Promise<Side[]> {
  const { ases } = (await api.read('/')) as { ases: readonly { readonly name: string }[] };
  const sides: Side[] = [];
  for (const { name } of ases) {
    const list = (await api.read(`/ases/${name}/peers`)) as { peers: readonly { readonly name: string }[] };
    for (const peer of list.peers) {
      const statement = await api.read(`/ases/${name}/peers/${peer.name}/statement`);
      if (statement) sides.push({ api, ase: name, statement: statement as Statement });
    }
  }
  return sides;
}

/** Two statements form a pair if the addresses in each are those of the other, swapped. */
function pair(sides: readonly Side[]): { pairs: [Side, Side][]; alone: Side[] } {
  const otherOf = ({ statement: { address, peerAddress } }: Side) =>
    sides.find(({ statement }) => statement.address === peerAddress && statement.peerAddress === address);
  const pairs = sides.flatMap((side, index): [Side, Side][] => {
    const other = otherOf(side);
    return other && sides.indexOf(other) > index ? [[side, other]] : [];
  });
  return { pairs, alone: sides.filter((side) => otherOf(side) === undefined) };
}

async function compare(here: Side, there: Side): Promise<Comparison[]> {
  const booked = [...(await findBooked(here, there)), ...(await findBooked(there, here))];
  const doubtful = [...here.statement.packetsInDoubt, ...there.statement.packetsInDoubt];
  const assets = new Map<string, Asset>();
  const keyOf = ({ assetCode, assetScale }: Asset): string => `${assetCode}/${assetScale}`;
  for (const asset of [...here.statement.accounts, ...there.statement.accounts, ...doubtful]) {
    assets.set(keyOf(asset), asset);
  }
  return [...assets].map(([key, { assetCode, assetScale }]) => {
    const of = <A extends Asset>(list: readonly A[]): A[] => list.filter((item) => keyOf(item) === key);
    return {
      ...{ assetCode, assetScale },
      here: here.ase,
      there: there.ase,
      balanceHere: BigInt(of(here.statement.accounts)[0]?.balance ?? 0),
      balanceThere: BigInt(of(there.statement.accounts)[0]?.balance ?? 0),
      inDoubt: of(doubtful).length,
      booked: of(booked).reduce((sum, { amount }) => sum + BigInt(amount), 0n),
    };
  });
}

/** Packets that are in doubt for the sender, but booked by the receiver. */
async function findBooked(sender: Side, receiver: Side): Promise<Statement['packetsInDoubt']> {
  const path = `/ases/${receiver.ase}/peers/${receiver.statement.peer}/packets/`;
  const answers = await Promise.all(
    sender.statement.packetsInDoubt.map(async (packet) => [packet, await receiver.api.read(path + packet.condition)]),
  );
  return answers.flatMap(([packet, answer]) =>
    answer === undefined ? [] : [packet as Statement['packetsInDoubt'][number]],
  );
}

function printComparisons(
  pairs: readonly (readonly [Side, Side])[],
  comparisons: readonly Comparison[],
  alone: readonly Side[],
): string {
  const row = (pairOf: string, asset: string, ...columns: string[]) =>
    `${pairOf.padEnd(28)} ${asset.padEnd(8)} ${columns.map((column) => column.padStart(14)).join(' ')}`;
  const lines = comparisons.map((each) => {
    const amount = (value: bigint) => formatAmount(value, each.assetScale);
    const rest = unexplained(each);
    const columns = [amount(each.balanceHere), amount(each.balanceThere), `${each.inDoubt}`, amount(each.booked)];
    const verdict = rest === 0n ? 'agreed' : `DIFFERENCE ${amount(rest)}`;
    return row(`${each.here} – ${each.there}`, `${each.assetCode}/${each.assetScale}`, ...columns, verdict);
  });
  const unused = pairs.filter(([a, b]) => !comparisons.some(({ here, there }) => here === a.ase && there === b.ase));
  return [
    row('peers', 'asset', 'first says', 'second says', 'in doubt', 'of it booked', ''),
    ...lines,
    ...unused.map(([a, b]) => `${a.ase} – ${b.ase}: no packets yet`),
    ...alone.map(({ ase, statement }) => `${ase} – ${statement.peer}: not compared, because the other side is unknown`),
    '',
  ].join('\n');
}
