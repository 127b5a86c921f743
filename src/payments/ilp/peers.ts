/** The peers of an ASE as its connector uses them: made of what is set for them, their links kept while that stands. */
import { matchesDigest } from '../../crypto/secret-digest.ts';
import type { Link, Peer } from './link.ts';

/** What is agreed with a peer. */
export interface PeerTerms {
  readonly name: string;
  readonly prefix: string;
  /** Origin of its connector. */
  readonly endpoint: string;
  /** Of the token by which it makes itself known to us. */
  readonly incomingTokenDigest: string;
  /** By which we make ourselves known to it. */
  readonly outgoingToken: string;
  readonly maxPacketAmount: bigint;
  /** The most that it may owe us in each asset, in its minor units; undefined for no limit. */
  readonly balanceLimit: bigint | undefined;
}

/** A link that may hold connections. */
export type ClosableLink = Link & { close?(): void };

export interface Peers {
  list(): readonly Peer[];
  /** The peer that bears this token; undefined if none does. */
  identify(token: string): string | undefined;
  close(): void;
}

/** `current` says what is set now; the same array as long as nothing changed. */
export function createPeers(current: () => readonly PeerTerms[], openLink: (terms: PeerTerms) => ClosableLink): Peers {
  const links = new Map<string, ClosableLink>();
  let seen: readonly PeerTerms[] | undefined;
  let list: readonly Peer[] = [];

  function linkTo(terms: PeerTerms): ClosableLink {
    const key = linkKey(terms);
    const link = links.get(key) ?? openLink(terms);
    links.set(key, link);
    return link;
  }

  function takeUp(terms: readonly PeerTerms[]): void {
    seen = terms;
    list = terms.map(({ name, prefix, maxPacketAmount, balanceLimit, ...rest }) => {
      const link = linkTo({ name, prefix, maxPacketAmount, balanceLimit, ...rest });
      return { name, prefix, maxPacketAmount, balanceLimit, link };
    });
    const inUse = new Set(terms.map(linkKey));
    for (const [key, link] of links) {
      if (inUse.has(key)) continue;
      link.close?.();
      links.delete(key);
    }
  }

  return {
    list() {
      const terms = current();
      if (terms !== seen) takeUp(terms);
      return list;
    },
    identify(token) {
      // All of them, so that the time does not tell which one came close.
      return current().filter((terms) => matchesDigest(token, terms.incomingTokenDigest))[0]?.name;
    },
    close() {
      for (const link of links.values()) link.close?.();
      links.clear();
      seen = undefined;
    },
  };
}

const linkKey = ({ name, endpoint, outgoingToken }: PeerTerms): string =>
  JSON.stringify([name, endpoint, outgoingToken]);
