/** The connector under changing settings: secrets in versions (ILP-09), and what a peer may owe (ILP-0027, T04). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deserializeIlpReply, isFulfill } from 'ilp-packet';
import { openDatabase } from '../../../src/database/database.ts';
import type { Asset } from '../../../src/open-payments/amount.ts';
import { createConnector } from '../../../src/payments/ilp/connector.ts';
import { createCredentials } from '../../../src/payments/ilp/credentials.ts';
import type { Link, Peer } from '../../../src/payments/ilp/link.ts';
import { createStreamPrepare } from '../../../src/payments/ilp/stream-sender.ts';
import { useTestDatabase } from '../../database/support/open.ts';
import { createTestDatabase, needsPostgres } from '../../support/postgresql.ts';
import {
  createIncomingPayment,
  EUR,
  prefixOf,
  readIncomingPayment,
  secretOf,
  TestClock,
} from '../support/payment-rows.ts';
import { createTwoAses } from '../support/two-ases.ts';

const db = useTestDatabase();

const link: Link = { send: async () => Buffer.alloc(0) };

/** Connectors of marble with open incoming payments, and packets that granite sends there. */
async function arrange(database = db) {
  const clock = new TestClock();
  const { granite, marble } = createTwoAses({ db: database, clock });
  const prefix = prefixOf(marble.ase);
  const open = async () => {
    const id = await createIncomingPayment(marble, { incomingAmount: undefined });
    return { id, credentials: createCredentials([secretOf(marble.ase)], prefix, id) };
  };
  const { id, credentials } = await open();
  const terms = { name: granite.ase, prefix: prefixOf(granite.ase), maxPacketAmount: 1_000n, link };
  let sequence = 0;

  async function makePacket(amount: bigint, { ilpAddress, sharedSecret } = credentials): Promise<Buffer> {
    sequence += 1;
    const payment = { address: ilpAddress, sharedSecret, sequence, amount, expiresAt: clock.wall + 30_000 };
    return (await createStreamPrepare(payment)).prepare;
  }

  function connect(options: {
    readonly secrets?: readonly string[];
    readonly reloadSecrets?: () => Promise<readonly string[]>;
    readonly balanceLimit?: () => bigint | undefined;
    readonly maxPacketAmount?: () => bigint;
    /** The name by which marble knows granite. */
    readonly name?: string;
  }) {
    const { secrets = [secretOf(marble.ase)], reloadSecrets, balanceLimit, name = terms.name } = options;
    const { maxPacketAmount = () => terms.maxPacketAmount } = options;
    const peers = (): Peer[] => [
      { ...terms, name, balanceLimit: balanceLimit?.(), maxPacketAmount: maxPacketAmount() },
    ];
    const connector = createConnector({ ...marble, clock, prefix, secrets: () => secrets, reloadSecrets, peers });
    return async (packet: Buffer, asset = EUR): Promise<string> => {
      const reply = deserializeIlpReply(await connector.receive(name, asset, packet));
      return isFulfill(reply) ? 'fulfilled' : reply.code;
    };
  }

  const received = async () => (await readIncomingPayment(marble, id)).receivedAmount;
  return { makePacket, connect, open, received, marble, clock, secret: secretOf(marble.ase) };
}

it('the longest prefix or route leads to the next hop', () => {
  const terms = { maxPacketAmount: 1n, link };
  const peers: Peer[] = [
    { ...terms, name: 'relay', prefix: 'test.relay', routes: ['test', 'test.marble.far'] },
    { ...terms, name: 'marble', prefix: 'test.marble' },
  ];
  const connector = createConnector({
    ase: 'granite',
    db,
    clock: new TestClock(),
    prefix: 'test.granite',
    secrets: () => [],
    peers: () => peers,
  });
  const hops = ['test.marble.x', 'test.marbles', 'test.marble.far', 'test.marble.far.x', 'test.relay.x', 'private.x'];
  assert.deepEqual(
    hops.map((address) => connector.peerFor(address)?.name),
    ['marble', 'relay', 'relay', 'relay', 'relay', undefined],
  );
});

describe('a packet that was rejected', () => {
  type Settings = { limit: bigint | undefined; largest: bigint };
  const rejections: readonly [code: string, Partial<Settings>, asset?: Asset][] = [
    ['T04', { limit: 99n }],
    ['F08', { largest: 99n }],
    ['F00', {}, { code: 'USD', scale: 2 }],
  ];
  for (const [code, settings, asset] of rejections) {
    it(`with ${code} is never fulfilled, although nothing else would reject it any more`, async () => {
      const { makePacket, connect, received, clock } = await arrange();
      const usual: Settings = { limit: undefined, largest: 1_000n };
      let current: Settings = { ...usual, ...settings };
      const send = connect({ balanceLimit: () => current.limit, maxPacketAmount: () => current.largest });
      const packet = await makePacket(100n);
      assert.equal(await send(packet, asset), code);
      current = usual;
      assert.equal(await send(packet), code);
      assert.equal(await send(await makePacket(100n)), 'fulfilled');
      clock.wall += 30_000;
      assert.equal(await send(packet), 'R00', 'its sender must learn that it will never be booked');
      assert.equal(await received(), 100n);
    });
  }

  it('with R00 is never fulfilled, although the clock is set back', async () => {
    const { makePacket, connect, received, clock } = await arrange();
    const send = connect({});
    const packet = await makePacket(100n);
    clock.wall += 30_000;
    assert.equal(await send(packet), 'R00');
    clock.wall -= 30_000;
    assert.equal(await send(packet), 'R00');
    assert.equal(await received(), 0n);
  });

  it('with F02 is never fulfilled, although the business clock is set back', async () => {
    const { makePacket, connect, received, clock } = await arrange();
    const send = connect({});
    const packet = await makePacket(100n);
    const { setting } = clock;
    clock.setting = clock.after({ action: 'set', time: Date.parse('2100-01-02') });
    assert.equal(await send(packet), 'F02');
    clock.setting = setting;
    assert.equal(await send(packet), 'F02');
    assert.equal(await received(), 0n);
  });
});

describe('a peer that was entered again under another name', () => {
  it('gets the stored answers to its packets, and none is booked again', async () => {
    const { makePacket, connect, received } = await arrange();
    const packet = await makePacket(100n);
    assert.equal(await connect({})(packet), 'fulfilled');
    const renamed = connect({ name: 'gneiss' });
    assert.equal(await renamed(packet), 'fulfilled');
    assert.equal(await renamed(await makePacket(10n)), 'fulfilled');
    assert.equal(await received(), 110n);
  });
});

describe('secrets in versions', () => {
  it('an address by any of them is credited, also by one that only another process knew', async () => {
    const { makePacket, connect, received, secret } = await arrange();
    const newer = secretOf('newer');
    assert.equal(await connect({ secrets: [secret, newer] })(await makePacket(100n)), 'fulfilled');
    assert.equal(await connect({ secrets: [newer] })(await makePacket(100n)), 'F06');
    const told = connect({ secrets: [newer], reloadSecrets: async () => [newer, secret] });
    assert.equal(await told(await makePacket(100n)), 'fulfilled');
    assert.equal(await received(), 200n);
  });
});

describe('the largest packet of a peer', () => {
  it('concerns new packets only: one that was booked before keeps its answer, one that expired is R00', async () => {
    const { makePacket, connect, received, clock } = await arrange();
    let largest = 100n;
    const send = connect({ maxPacketAmount: () => largest });
    const packet = await makePacket(100n);
    const other = await makePacket(100n);
    assert.equal(await send(packet), 'fulfilled');
    assert.equal(await send(await makePacket(101n)), 'F08');
    largest = 50n;
    assert.equal(await send(packet), 'fulfilled');
    assert.equal(await send(other), 'F08');
    clock.wall += 60_000;
    assert.equal(await send(packet), 'fulfilled');
    assert.equal(await send(other), 'R00', 'its sender must learn that it will never be booked');
    assert.equal(await received(), 100n);
  });
});

describe('a peer that sends packets in an unknown asset', () => {
  it('gets no account in it', async () => {
    const { makePacket, connect, marble } = await arrange();
    for (const code of ['AAA', 'BBB', 'CCC']) {
      assert.equal(await connect({})(await makePacket(1n), { code, scale: 9 }), 'F00');
    }
    const accounts = await db.query.selectFrom('account').select('id').where('ase', '=', marble.ase).execute();
    assert.deepEqual(
      accounts.filter(({ id }) => id.startsWith('peer:')),
      [],
    );
  });
});

describe('the balance limit of a peer', () => {
  it('is reached to the unit and never crossed; nothing of a refused packet is booked', async () => {
    const { makePacket, connect, received } = await arrange();
    let limit: bigint | undefined = 250n;
    const send = connect({ balanceLimit: () => limit });
    assert.equal(await send(await makePacket(200n)), 'fulfilled');
    const over = await makePacket(51n);
    assert.equal(await send(over), 'T04');
    assert.equal(await send(await makePacket(50n)), 'fulfilled');
    assert.equal(await send(await makePacket(1n)), 'T04');
    assert.equal(await received(), 250n);
    limit = undefined;
    assert.equal(await send(over), 'T04', 'a copy gets the same answer');
    assert.equal(await send(await makePacket(51n)), 'fulfilled');
    assert.equal(await received(), 301n);
  });

  it('does not concern what moves no money, nor a packet that was booked', async () => {
    const { makePacket, connect } = await arrange();
    let limit = 100n;
    const send = connect({ balanceLimit: () => limit });
    const packet = await makePacket(100n);
    assert.equal(await send(packet), 'fulfilled');
    limit = 0n;
    assert.equal(await send(packet), 'fulfilled');
    assert.equal(await send(await makePacket(0n)), 'fulfilled');
  });

  it('holds for packets to several payments that arrive together', { skip: needsPostgres }, async () => {
    const { url, drop } = await createTestDatabase();
    const postgres = await openDatabase({ kind: 'postgresql', url });
    try {
      const { makePacket, connect, open } = await arrange(postgres);
      const send = connect({ balanceLimit: () => 250n });
      const payments = await Promise.all(Array.from({ length: 8 }, open));
      const packets = await Promise.all(payments.map(({ credentials }) => makePacket(60n, credentials)));
      const outcomes = await Promise.all(packets.map((packet) => send(packet)));
      assert.equal(outcomes.filter((outcome) => outcome === 'fulfilled').length, 4);
      assert.equal(outcomes.filter((outcome) => outcome === 'T04').length, 4);
    } finally {
      await postgres.close();
      await drop();
    }
  });
});
