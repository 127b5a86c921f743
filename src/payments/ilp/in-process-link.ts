/** A link between two ASEs in one process. Only bytes cross it, copied, as over a wire. */
import { assertOutsideTransaction } from '../../database/database.ts';
import type { Asset } from '../../open-payments/amount.ts';
import { type Link, LinkError } from './link.ts';

/** `receive` is the peer's: Connector.receive, bound to the name by which the peer knows the sender. */
export function createInProcessLink(receive: (asset: Asset, prepare: Buffer) => Promise<Buffer>): Link {
  return {
    async send(asset, prepare, onSent) {
      assertOutsideTransaction('an ILP packet');
      onSent?.();
      try {
        return Buffer.from(await receive({ code: asset.code, scale: asset.scale }, Buffer.from(prepare)));
      } catch (cause) {
        throw new LinkError('the peer gave no answer', { cause });
      }
    },
  };
}
