/** A link whose packets are struck by faults on purpose (CT-06), for failed and partly delivered payments. */
import { setTimeout as wait } from 'node:timers/promises';
import { type FaultSelector, packetOperation } from '../../faults.ts';
import { ilpReject } from './ilp-reply.ts';
import { type Link, LinkError } from './link.ts';

/** `prefix` is the peer's ILP address: a Reject comes in its name. */
export function createFaultyLink(link: Link, prefix: string, strike: FaultSelector): Link {
  return {
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
