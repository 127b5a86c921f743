/** The peers of each ASE of a world, and the links between their connectors (ILP-0027, ILP-0035). */
import { createHmac } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { NewPeer } from '../administration/peers.ts';
import type { Faults } from '../faults.ts';
import type { Asset } from '../open-payments/amount.ts';
import { createFaultyLink } from '../payments/ilp/faulty-link.ts';
import { createIlpOverHttpLink } from '../payments/ilp/ilp-over-http.ts';
import { createInProcessLink } from '../payments/ilp/in-process-link.ts';
import type { Link } from '../payments/ilp/link.ts';
import type { ClosableLink, PeerTerms } from '../payments/ilp/peers.ts';
import type { AseDefinition, PeerDefinition, WorldDefinition } from './definition/definition.ts';

export interface PeerLinkOptions {
  readonly definition: WorldDefinition;
  /** ASEs whose connectors are in this process. */
  readonly hosted: readonly AseDefinition[];
  /** True if the ASEs of the world are each other's peers. */
  readonly isLinked: boolean;
  /** ILP address of an ASE, by its name. */
  readonly addressOf: (name: string) => string;
  /** Origin of its connector. */
  readonly endpointOf: (ase: AseDefinition) => string;
  /** Shared by all processes of the world. */
  readonly peerSecret: string;
  readonly trust: SecureContext | undefined;
  /** Milliseconds to wait for a peer's answer. Undefined for the default. */
  readonly timeoutMs: number | undefined;
  readonly faults: Faults | undefined;
  readonly wrapLink: ((from: string, to: string, link: Link) => Link) | undefined;
  /** Delivers a packet to an ASE that is hosted here. */
  readonly receive: (name: string, token: string, asset: Asset, prepare: Buffer) => Promise<Buffer>;
}

export type PeerLinks = ReturnType<typeof createPeerLinks>;

export function createPeerLinks(options: PeerLinkOptions) {
  const { definition, hosted, endpointOf, addressOf, faults } = options;

  /** Token that authenticates one ASE to another on their link. */
  const tokenOf = (from: string, to: string): string =>
    createHmac('sha256', options.peerSecret).update(`ilp link\n${from}\n${to}`).digest('base64url');

  return {
    /** A link within this process needs no socket, but the receiver still checks the token. */
    openLink(from: string, { name, prefix, endpoint, outgoingToken }: PeerTerms): ClosableLink {
      const neighbour = hosted.find((ase) => endpointOf(ase) === endpoint);
      const link: ClosableLink = neighbour
        ? createInProcessLink((asset, prepare) => options.receive(neighbour.name, outgoingToken, asset, prepare))
        : createIlpOverHttpLink({
            origin: endpoint,
            token: outgoingToken,
            trust: options.trust,
            timeoutMs: options.timeoutMs,
          });
      const faulty = faults ? createFaultyLink(link, { ase: from, prefix, faults }) : link;
      return { ...(options.wrapLink?.(from, name, faulty) ?? faulty), close: link.close };
    },

    /** The peers in the definition. Default: all other ASEs of the world. */
    peersOf(ase: AseDefinition): NewPeer[] {
      const others = definition.ases.filter((other) => other !== ase);
      const peers: readonly PeerDefinition[] = ase.peers ?? others.map(({ name }) => ({ name }));
      return peers.flatMap(({ elsewhere, maxPacketAmount = definition.maxPacketAmount, ...terms }) => {
        const { name } = terms;
        const neighbour = others.find((other) => other.name === name);
        if (elsewhere) return { ...terms, maxPacketAmount, ...elsewhere };
        if (!neighbour || !options.isLinked) return [];
        const incomingToken = tokenOf(name, ase.name);
        const outgoingToken = tokenOf(ase.name, name);
        const endpoint = endpointOf(neighbour);
        return { ...terms, prefix: addressOf(name), endpoint, incomingToken, outgoingToken, maxPacketAmount };
      });
    },
  };
}
