/** The peers of an ASE, built from its settings. A link is kept open until its settings change. */
import { matchesDigest } from '../../crypto/secret-digest.ts';
import type { Link, Peer } from './link.ts';

/** Settings of a peer. */
export interface PeerTerms {
  readonly name: string;
  readonly prefix: string;
  /** Origin of its connector. */
  readonly endpoint: string;
  /** Digest of the token that authenticates the peer to this ASE. */
  readonly incomingTokenDigest: string;
  /** Token that authenticates this ASE to the peer. */
  readonly outgoingToken: string;
  readonly maxPacketAmount: bigint;
  /** Maximum debt of the peer in each asset, in minor units; undefined for no limit. */
  readonly balanceLimit: bigint | undefined;
  /** True if the peer answers a repeated packet as before, without delivering it again. */
  readonly answersRepeats: boolean;
  /** Further prefixes that the peer forwards packets to. */
  readonly routes: readonly string[];
}

/** A link that may hold open connections. */
export type ClosableLink = Link & { close?(): void };

export interface Peers {
  list(): readonly Peer[];
  /** The name of the peer that this token authenticates, if any. */
  identify(token: string): string | undefined;
  close(): void;
}

/** `current` returns the settings: the same array while they are unchanged. */
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

  function apply(terms: readonly PeerTerms[]): void {
    seen = terms;
    list = terms.map((peer) => {
      const { endpoint: _, incomingTokenDigest: __, outgoingToken: ___, ...rest } = peer;
      return { ...rest, link: linkTo(peer) };
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
      if (terms !== seen) apply(terms);
      return list;
    },
    identify(token) {
      // Compares with all of them, so that the time does not depend on the position of a match.
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
