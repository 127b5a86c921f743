/** The connector of an ASE (ILP-0027): routes to peers by longest prefix, answers packets for its own addresses. */
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/database.ts';
import type { Asset } from '../../open-payments/amount.ts';
import { type Failpoint, noFailpoint } from '../outgoing/failpoint.ts';
import type { AnnouncePayment } from '../payment-event.ts';
import { parsePrepare, reject } from './ilp-reply.ts';
import type { Peer } from './link.ts';
import { createStreamReceiver } from './stream-receiver.ts';

export type { Link, Peer } from './link.ts';
export { LinkError } from './link.ts';

export interface ConnectorOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  /** ILP address of this ASE, `test.granite`. */
  readonly prefix: string;
  /** Base64, oldest first: the last one makes new credentials, all of them answer (ILP-09). */
  readonly secrets: () => readonly string[];
  /** The same after looking whether another process has made a new one. */
  readonly reloadSecrets?: () => Promise<readonly string[]>;
  readonly peers: () => readonly Peer[];
  readonly failpoint?: Failpoint;
  readonly announce?: AnnouncePayment;
}

export interface Connector {
  readonly prefix: string;
  /** Where a packet for this address goes next; undefined if there is no route. */
  peerFor(destination: string): Peer | undefined;
  peerNamed(name: string): Peer | undefined;
  /**
   * Answers a Prepare from a peer: always with a Fulfill or a Reject that is final. Throws if it can not know
   * whether the packet was booked; the peer must then get no answer at all, and asks again.
   */
  receive(from: string, asset: Asset, prepare: Buffer): Promise<Buffer>;
}

export function createConnector(options: ConnectorOptions): Connector {
  const { prefix, peers } = options;
  const peerNamed = (name: string) => peers().find((peer) => peer.name === name);
  const streamReceiver = createStreamReceiver({ ...options, failpoint: options.failpoint ?? noFailpoint });
  return {
    prefix,
    peerNamed,
    peerFor: (destination) =>
      peers()
        .filter((peer) => `${destination}.`.startsWith(`${peer.prefix}.`))
        .toSorted((a, b) => b.prefix.length - a.prefix.length)[0],
    async receive(from, asset, bytes) {
      const peer = peerNamed(from);
      if (!peer) return reject('F00', prefix, 'unknown peer');
      const prepare = parsePrepare(bytes);
      return prepare ? streamReceiver.receive(peer, asset, prepare) : reject('F01', prefix, 'not an ILP Prepare');
    },
  };
}
