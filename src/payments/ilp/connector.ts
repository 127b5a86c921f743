/** The connector of an ASE (ILP-0027): routes to peers by longest prefix, answers packets for its own addresses. */
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/database.ts';
import type { Asset } from '../../open-payments/amount.ts';
import { type Failpoint, noFailpoint } from '../outgoing/failpoint.ts';
import type { AnnouncePayment } from '../payment-event.ts';
import { ilpReject, parsePrepare } from './ilp-reply.ts';
import type { Peer } from './link.ts';
import { createStreamReceiver } from './stream-receiver.ts';

export interface ConnectorOptions {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  /** ILP address of this ASE, `test.granite`. */
  readonly prefix: string;
  /** Base64, oldest first. The last one creates new credentials; all of them are accepted (ILP-09). */
  readonly secrets: () => readonly string[];
  /** The secrets, reloaded from the database because another process may have added one. */
  readonly reloadSecrets?: () => Promise<readonly string[]>;
  readonly peers: () => readonly Peer[];
  readonly failpoint?: Failpoint;
  readonly announce?: AnnouncePayment;
}

export interface Connector {
  readonly prefix: string;
  /** The next hop for this address; undefined without a route. */
  peerFor(destination: string): Peer | undefined;
  peerNamed(name: string): Peer | undefined;
  /**
   * Answers a Prepare from a peer with a final Fulfill or Reject. Throws if it cannot know whether the packet was
   * booked; the peer must then get no answer, so that it sends the packet again.
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
        .flatMap((peer) => [peer.prefix, ...(peer.routes ?? [])].map((prefix) => ({ peer, prefix })))
        .filter((route) => `${destination}.`.startsWith(`${route.prefix}.`))
        .toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.peer,
    async receive(from, asset, bytes) {
      const peer = peerNamed(from);
      if (!peer) return ilpReject('F00', prefix, 'unknown peer');
      const prepare = parsePrepare(bytes);
      return prepare ? streamReceiver.receive(peer, asset, prepare) : ilpReject('F01', prefix, 'not an ILP Prepare');
    },
  };
}
