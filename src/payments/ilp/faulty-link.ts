/** A link whose packets are struck by faults on purpose (CT-06), for failed and partly delivered payments. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Faults, packetOperation } from '../../faults.ts';
import { ilpReject } from './ilp-reply.ts';
import { type Link, LinkError } from './link.ts';

export interface FaultyLinkOptions {
  /** Name of the ASE that sends. */
  readonly ase: string;
  /** The peer's ILP address: a Reject comes in its name. */
  readonly prefix: string;
  readonly faults: Pick<Faults, 'faultsOf' | 'concern'>;
}

/** While a fault is set, a payment sends one packet at a time, so that what arrived before the n-th is known. */
export function createFaultyLink(link: Link, { ase, prefix, faults }: FaultyLinkOptions): Link {
  const strike = faults.faultsOf(ase);
  return {
    isOneByOne: () => faults.concern(ase, packetOperation),
    async send(asset, prepare, onSent) {
      const fault = strike(packetOperation);
      switch (fault?.kind) {
        case 'status':
          onSent?.();
          return ilpReject(fault.code ?? 'F99', prefix, 'a fault on purpose');
        case 'garbage':
          onSent?.();
          return Buffer.from('no packet');
        case 'reset':
          throw new LinkError('a fault on purpose: not sent');
        case 'delay':
          await wait(fault.delayMs ?? 1000);
          return link.send(asset, prepare, onSent);
        case 'after-commit':
          await link.send(asset, prepare, onSent);
          throw new LinkError('a fault on purpose: the answer is lost');
        default:
          return link.send(asset, prepare, onSent);
      }
    },
  };
}
