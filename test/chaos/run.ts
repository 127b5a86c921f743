/** One chaos run: starts everything, lets it be disturbed while payers pay, waits for rest, and asks what is true. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Sightings } from './client.ts';
import { createPayer, createSharedReceivers, type Intention, type Wallet } from './clients.ts';
import { type Finding, findBrokenRules } from './invariants.ts';
import { createPacketNetwork, type PacketNetwork } from './packets.ts';
import { startPostgreSql, type ThrowAwayPostgreSql } from './postgresql.ts';
import { type Fleet, startFleet } from './processes.ts';
import { type FrontDoor, openTwoDoors } from './proxy.ts';
import { createChance } from './random.ts';
import { findUntruths } from './reported-vs-actual.ts';

export interface ChaosOptions {
  readonly seed: string;
  /** At least so many payments, and more while failpoints are wanting. */
  readonly payments: number;
  readonly killsPerFailpoint: number;
  readonly databaseRestarts: number;
  /** When the disturbance ends at the latest. */
  readonly maxSeconds: number;
  readonly mutant?: string;
}

export interface ChaosReport {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly findings: readonly Finding[];
  /** Number of answers to clients, by operation and status. */
  readonly answers: ReadonlyMap<string, number>;
  /** Where there was less of it than asked for. */
  readonly shortfalls: readonly string[];
}

const ases = ['granite', 'marble'] as const;
const controlToken = 'control-token-of-chaos';
/** Time by which the clock of each process is ahead. */
const SKEWS_MS = [-2_000, 0, 1_500, 3_000];
const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Fees, payments of up to 35 packets, and a payer who runs out of money. */
const world = `
ases:
  - name: granite
    grants: { tokenSeconds: 7200 }
    wallets:
      - { path: /alice, asset: USD/2, balance: 100000000 }
      - { path: /pauper, asset: USD/2, balance: 30000 }
      - { path: /shop, asset: USD/2 }
      - { path: /client, asset: USD/2, publicName: Chaos }
  - name: marble
    grants: { tokenSeconds: 7200 }
    wallets:
      - { path: /carol, asset: EUR/2, balance: 100000000 }
      - { path: /bob, asset: EUR/2 }
prices: { USD: 1, EUR: 1.0869 }
fee: { basisPoints: 25, fixed: 3 }
maxPacketAmount: 100
sender: granite/alice
receiver: marble/bob
client: { wallet: granite/client, keyId: chaos-1 }
`;
const payers = [...Array(3).fill('granite/alice'), 'granite/pauper', ...Array(3).fill('marble/carol')] as string[];
const payees = ['granite/shop', 'marble/bob'];

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const chance = createChance(options.seed, 'processes');
  const ports = createChance(options.seed, 'ports');
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-chaos-'));
  const logFile = join(directory, 'log');
  const worldFile = join(directory, 'world.yaml');
  await writeFile(worldFile, world);
  // Below the ports that connections go out from.
  const nextPort = () => ports.integer(12_000, 30_000);
  const packets = createPacketNetwork(createChance(options.seed, 'packets'));
  const doors = await openTwoDoors(nextPort, packets);
  const databasePort = await findFreePort(nextPort);
  const postgres = await startPostgreSql(databasePort, ases);
  let isDisturbed = false;
  let fleet: Fleet | undefined;
  const cleanUp = async () => {
    await fleet?.stop();
    for (const door of doors) door.close();
    await postgres.stop();
    const kept = process.env['TOUCHSTONE_CHAOS_LOG'];
    if (kept) await copyFile(logFile, kept);
    await rm(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
  try {
    const berths = await Promise.all(
      [0, 1].flatMap((process) =>
        ases.map(async (ase, index) => {
          const port = await findFreePort(nextPort);
          const args = [
            ...['--ase', ase, '--world', worldFile, '--database-url', postgres.urlOf(ase)],
            // Each ASE listens 100 ports above the one before it.
            ...['--port', String(port - 100 * index), '--public-url', `http://localhost:${doors[0].port}`],
            ...['--control-port', '0', '--control-token', controlToken, '--peer-secret', 'between the two'],
            ...['--consent', 'auto', '--log-level', 'error'],
          ];
          const skewMs = SKEWS_MS[2 * process + index]!;
          return { name: `${ase}-${process + 1}`, ase, door: doors[index]!, port, args, skewMs };
        }),
      ),
    );
    fleet = await startFleet({ ...options, berths, chance, logFile, isDisturbed: () => isDisturbed });
    return await disturb(options, fleet, doors, packets, postgres, logFile, (whether) => {
      isDisturbed = whether;
    });
  } finally {
    await cleanUp();
  }
}

async function disturb(
  options: ChaosOptions,
  fleet: Fleet,
  doors: readonly FrontDoor[],
  packets: PacketNetwork,
  postgres: ThrowAwayPostgreSql,
  logFile: string,
  setDisturbed: (whether: boolean) => void,
): Promise<ChaosReport> {
  const { env } = fleet.readyOf('granite')!;
  const identity = {
    client: env['TOUCHSTONE_CLIENT']!,
    keyId: env['TOUCHSTONE_KEY_ID']!,
    privateKey: env['TOUCHSTONE_PRIVATE_KEY']!,
  };
  const seen: Sightings = { answers: new Map(), shapeless: [] };
  const client = createClient(identity, seen);
  const origins = new Map(ases.map((ase) => [ase as string, fleet.readyOf(ase)!.ases[0]!.origin]));
  const findWallet = async (reference: string): Promise<Wallet> => {
    const [ase = '', path] = reference.split('/');
    const url = `${origins.get(ase)}/${path}`;
    const { authServer, resourceServer, assetCode, assetScale } = await client.insist({ method: 'GET', url });
    return { ase, url, authServer, resourceServer, assetCode, assetScale };
  };

  const intentions: Intention[] = [];
  const incomingPayments: string[] = [];
  const deadline = Date.now() + options.maxSeconds * 1000;
  const isDone = () => (intentions.length >= options.payments && fleet.hasHitAll()) || Date.now() > deadline;
  const shared = createSharedReceivers();
  const allPayees = await Promise.all(payees.map(findWallet));
  const paying = payers.map(async (reference, index) => {
    const name = `payer-${index + 1}`;
    const wallet = await findWallet(reference);
    const chance = createChance(options.seed, name);
    const payer = createPayer({
      ...{ name, client, wallet, payees: allPayees, chance, intentions, incomingPayments, isDone },
    });
    await payer.run(shared);
  });

  // ── Disturbances
  const chance = createChance(options.seed, 'disturbances');
  let restarts = 0;
  let terminated = 0;
  let shut = 0;
  const killing = (async () => {
    while (!isDone()) {
      await wait(chance.integer(2_000, 4_000));
      if (!isDone()) fleet.killAny();
    }
  })();
  const cutting = (async () => {
    const every = options.payments / (options.databaseRestarts + 1);
    while (!isDone()) {
      await wait(chance.integer(2_000, 5_000));
      setDisturbed(true);
      if (intentions.length >= every * (restarts + 1) && restarts < options.databaseRestarts) {
        await postgres.restart();
        restarts += 1;
      } else if (chance.integer(1, 3) === 1) {
        chance.pick(doors).shut(chance.integer(1_000, 5_000));
        shut += 1;
      } else {
        terminated += await postgres.terminateConnections(ases);
      }
      // A start that began in it may fail a little later.
      setTimeout(() => setDisturbed(false), 1_500);
    }
  })();
  const progress = setInterval(() => {
    const hits = [...fleet.kills].map(([name, times]) => `${name} ${times}`).join(', ');
    console.log(`${intentions.length} payments; ${hits}; ${fleet.randomKills()} at random`);
  }, 10_000);
  await Promise.all([...paying, killing, cutting]);

  // ── Rest
  fleet.calm();
  const hasEnded = await waitForRest(postgres);
  await packets.deliverRest();
  const isAtRest = hasEnded && (await waitForRest(postgres));
  clearInterval(progress);

  const crashes = [...fleet.crashes];
  const logged = await readFile(logFile, 'utf8');
  const findings: Finding[] = [
    ...(await findBrokenRules(postgres, ases)),
    ...(await findUntruths({ client, postgres, fleet, ases, intentions, incomingPayments, controlToken })),
    { rule: 'every failure is reported in the protocol’s format', broken: seen.shapeless },
    { rule: 'no process ended by itself', broken: crashes },
    { rule: 'no transfer was booked a second time, no packet resolved', broken: findContradictions(logged) },
  ];
  const { payments, killsPerFailpoint, databaseRestarts } = options;
  const shortfalls = [
    ...(isAtRest ? [] : ['it did not come to rest']),
    ...(intentions.length < payments ? [`${intentions.length} payments of ${payments}`] : []),
    ...(restarts < databaseRestarts ? [`${restarts} restarts of PostgreSQL of ${databaseRestarts}`] : []),
    ...[...fleet.kills]
      .filter(([, hits]) => hits < killsPerFailpoint)
      .map(([name, hits]) => `${hits} kills at ${name} of ${killsPerFailpoint}`),
  ];
  const outcomes = Map.groupBy(intentions, ({ outcome }) => outcome);
  return {
    answers: seen.answers,
    findings,
    shortfalls,
    figures: {
      'payments asked for': intentions.length,
      'of these answered with 201': outcomes.get('created')?.length ?? 0,
      'refused at once': outcomes.get('refused')?.length ?? 0,
      'of unknown outcome to the client': outcomes.get('unknown')?.length ?? 0,
      ...(await countRows(postgres, 'payments', 'outgoing_payment', `concat_ws(': ', state, failure)`)),
      ...(await countRows(postgres, 'packets', 'outgoing_packet', 'state')),
      ...Object.fromEntries([...fleet.kills].map(([name, hits]) => [`kills at ${name}`, hits])),
      'kills at random': fleet.randomKills(),
      'starts of a process': fleet.starts(),
      'restarts of PostgreSQL': restarts,
      'connections to PostgreSQL terminated': terminated,
      'times that an ASE was unreachable': shut,
      'packets that were delayed': packets.figures().delayed,
      'packets that were delivered again': packets.figures().repeated,
    },
  };
}

/** Rows of both ASEs by what `by` says of them. */
async function countRows(postgres: ThrowAwayPostgreSql, what: string, table: string, by: string) {
  const counts = new Map<string, number>();
  for (const ase of ases) {
    const rows = await postgres.query<{ is: string; n: string }>(
      ase,
      `select ${by} as is, count(*) as n from ${table} group by 1`,
    );
    for (const row of rows) counts.set(row.is, (counts.get(row.is) ?? 0) + Number(row.n));
  }
  return Object.fromEntries([...counts].toSorted().map(([is, n]) => [`${what} ${is}`, n]));
}

/** Bookings that the ledger refused, from the log. */
const findContradictions = (logged: string): string[] =>
  logged.split('\n').filter((line) => /is booked already|is resolved already/.test(line));

/** Until no payment is pending at either ASE: leases end, packets expire, delays run out. */
async function waitForRest(postgres: ThrowAwayPostgreSql): Promise<boolean> {
  for (const until = Date.now() + 240_000; Date.now() < until; ) {
    const pending = await Promise.all(
      ases.map((ase) => postgres.query(ase, `select id from outgoing_payment where state = 'pending' limit 1`)),
    );
    if (pending.flat().length === 0) return true;
    await wait(500);
  }
  return false;
}

async function findFreePort(nextPort: () => number): Promise<number> {
  for (;;) {
    const port = nextPort();
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer().once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
