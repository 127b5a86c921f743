/** Two ASEs with a link between their connectors, which can lose, repeat and replace packets. */
import type { Payments } from '../../../src/ase/payments.ts';
import type { Clock } from '../../../src/clock.ts';
import type { Database } from '../../../src/database/database.ts';
import type { Asset } from '../../../src/open-payments/amount.ts';
import type { Connector } from '../../../src/payments/ilp/connector.ts';
import { createInProcessLink } from '../../../src/payments/ilp/in-process-link.ts';
import { type Link, LinkError } from '../../../src/payments/ilp/link.ts';
import type { PeerTerms } from '../../../src/payments/ilp/peers.ts';
import type { Failpoint } from '../../../src/payments/outgoing/failpoint.ts';
import type { OutgoingPaymentWorker, OutgoingPaymentWorkerOptions } from '../../../src/payments/outgoing/worker.ts';
import type { ReadReceiver, Receiver } from '../../../src/payments/receiver.ts';
import { testPayments } from '../../support/test-ase.ts';
import { type AsePlace, EUR, newId, prefixOf, secretOf, showReceiver, TestClock, USD } from './payment-rows.ts';

/** The fate of the n-th packet (from 1) on a link. */
export type PacketFault = 'request lost' | 'answer lost' | 'duplicated' | undefined;

export interface TestAse extends AsePlace {
  readonly connector: Connector;
  readonly worker: OutgoingPaymentWorker;
  /** Reads a receiver, as for a quote: the worker need not read it again in the next half a minute. */
  readonly readReceiver: ReadReceiver;
}

export interface TwoAsesOptions {
  readonly db: Database;
  readonly receiverDb?: Database;
  readonly clock?: Clock;
  readonly maxPacketAmount?: bigint;
  /** The maximum that the receiving side accepts, if that is less. */
  readonly receiverMaxPacketAmount?: bigint;
  readonly receiveAsset?: Asset;
  /** True if granite expects marble to answer copies of a packet as before. Default: true. */
  readonly answersRepeats?: boolean;
  readonly fault?: (n: number) => PacketFault;
  /** Another peer of granite, whose receivers take any amount in EUR. Their URLs are `https://NAME.example/…`. */
  readonly otherPeer?: { readonly name: string; readonly link: Link };
  /** Replaces the link from granite to marble. */
  readonly wrapLink?: (link: Link) => Link;
  readonly readReceiver?: (receiver: Receiver) => Receiver | Promise<Receiver>;
  readonly failpoint?: Failpoint;
  /** Options of granite's worker. */
  readonly worker?: Pick<
    OutgoingPaymentWorkerOptions,
    | 'maxAttempts'
    | 'concurrency'
    | 'slotTimeoutMs'
    | 'maxPacketsPerTurn'
    | 'maxTurnMs'
    | 'maxInFlight'
    | 'maxInFlightToPeer'
  >;
}

/** Terms with a peer whose link the test opens, so that neither endpoint nor tokens are used. */
const peerTerms = (name: string, maxPacketAmount: bigint): PeerTerms => ({
  name,
  prefix: prefixOf(name),
  maxPacketAmount,
  balanceLimit: undefined,
  answersRepeats: true,
  routes: [],
  endpoint: `https://${name}.example`,
  incomingTokenDigest: '',
  outgoingToken: '',
});

/** `granite` (USD) pays to `marble` (EUR). Names are new each time, so that many pairs can share one database. */
export function createTwoAses(options: TwoAsesOptions) {
  const {
    db,
    receiverDb = db,
    clock = new TestClock(),
    maxPacketAmount = 10n ** 12n,
    fault = () => undefined,
  } = options;
  const names = { granite: newId('granite'), marble: newId('marble') };
  let packets = 0;

  const marblePayments: Payments = testPayments({
    key: names.marble,
    db: receiverDb,
    clock,
    failpoint: options.failpoint,
    settings: {
      secrets: [secretOf(names.marble)],
      peers: [peerTerms(names.granite, options.receiverMaxPacketAmount ?? maxPacketAmount)],
    },
    openLink: () =>
      createInProcessLink((asset, bytes) => granitePayments.connector.receive(names.marble, asset, bytes)),
  });
  const marbleConnector = marblePayments.connector;
  const link = createInProcessLink((asset, bytes) => marbleConnector.receive(names.granite, asset, bytes));
  const faultyLink: Link = {
    async send(asset, prepare, onSent) {
      packets += 1;
      const what = fault(packets);
      if (what === 'request lost') throw new LinkError('request lost');
      if (what === 'duplicated') await link.send(asset, prepare);
      const answer = await link.send(asset, prepare, onSent);
      if (what === 'answer lost') throw new LinkError('answer lost');
      return answer;
    },
  };
  const granitePlace: AsePlace = { ase: names.granite, db, asset: USD };
  const marblePlace: AsePlace = { ase: names.marble, db: receiverDb, asset: options.receiveAsset ?? EUR };
  const readReceiver = async (url: string): Promise<Receiver> => {
    const { hostname, pathname } = new URL(url);
    const id = pathname.split('/').at(-1)!;
    if (hostname === `${names.granite}.example`) {
      const { ilp: _, ...local } = await showReceiver(granitePlace, id);
      return { ...local, localIncomingPaymentId: id };
    }
    if (hostname === `${options.otherPeer?.name}.example`) {
      const ilp = { address: `${prefixOf(options.otherPeer!.name)}.${id}`, sharedSecret: Buffer.alloc(32) };
      return { url, asset: EUR, receivedAmount: 0n, completed: false, ilp };
    }
    const receiver = await showReceiver(marblePlace, id);
    return options.readReceiver ? options.readReceiver(receiver) : receiver;
  };
  let granitePeers = [names.marble, ...(options.otherPeer ? [options.otherPeer.name] : [])].map((name) => ({
    ...peerTerms(name, maxPacketAmount),
    answersRepeats: options.answersRepeats ?? true,
  }));
  const openPayments = () =>
    testPayments({
      key: names.granite,
      db,
      clock,
      readReceiver,
      failpoint: options.failpoint,
      settings: {
        secrets: [secretOf(names.granite)],
        get peers() {
          return granitePeers;
        },
      },
      openLink: ({ name }) => {
        if (name === options.otherPeer?.name) return options.otherPeer.link;
        return options.wrapLink ? options.wrapLink(faultyLink) : faultyLink;
      },
      worker: options.worker,
    });
  const granitePayments = openPayments();
  const newWorker = () => openPayments().worker;
  const granite: TestAse = {
    ...granitePlace,
    connector: granitePayments.connector,
    worker: granitePayments.worker,
    readReceiver: granitePayments.readReceiver,
  };
  const marble: AsePlace & { connector: Connector } = { ...marblePlace, connector: marbleConnector };
  return {
    granite,
    marble,
    clock,
    link,
    newWorker,
    /** Ends granite's peering with marble. */
    removePeer: () => {
      granitePeers = granitePeers.filter(({ name }) => name !== names.marble);
    },
    /** How many packets have been given to the link. */
    packetCount: () => packets,
  };
}
