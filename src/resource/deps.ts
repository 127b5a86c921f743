/** Collaborators of the resource server. Each part declares the members it uses. */
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import type { ClientKey } from '../http/signatures/client-keys.ts';
import type { Ids } from '../ids.ts';
import type { Asset } from '../open-payments/amount.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import type { Fee } from '../payments/fees.ts';
import type { Peer } from '../payments/ilp/link.ts';
import type { Destination } from '../payments/outgoing/worker.ts';
import type { AnnouncePayment } from '../payments/payment-event.ts';
import type { Rate } from '../payments/rates.ts';
import type { ReadReceiver } from '../payments/receiver.ts';
import type { Switches } from '../profile.ts';
import type { Introspect } from './introspection-client.ts';

export interface ResourceDeps {
  /** Key of the ASE's rows in the database. */
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly switches: Switches;
  /** Grant endpoint that the wallet addresses publish (RS-04). */
  readonly authServer: string;
  /** Base of all resource URLs, without trailing slash (RS-15). */
  readonly resourceServer: string;
  /** Looks a token up in the database or asks the authorization server over HTTP. */
  readonly introspect: Introspect;
  /** The client's key with this id. Throws ClientKeyError. */
  readonly clientKey: (client: ClientInstance, keyid: string) => Promise<ClientKey>;
  /** Credentials of the payment method `ilp`. */
  readonly credentialsFor: (incomingPaymentId: string) => {
    readonly ilpAddress: string;
    readonly sharedSecret: Buffer;
  };
  /** The peer that packets in this asset are sent to on their way to the address; undefined without a route. */
  readonly nextHop: (ilpAddress: string, asset: Asset) => Pick<Peer, 'name' | 'maxPacketAmount'> | undefined;
  /** Made by `createReceiverReader`; the outgoing payment worker uses the same one. */
  readonly readReceiver: ReadReceiver;
  /** The current rate between minor units of two assets. Throws `no_rate`. */
  readonly rate: (from: Asset, to: Asset) => Promise<Rate>;
  readonly fee: (asset: Asset) => Fee;
  /** Called after a transaction that created an outgoing payment has committed. */
  readonly wakePayments: (destination: Destination) => void;
  readonly announce: AnnouncePayment;
  /** False while `announce` does nothing, because the ASE has no webhook. */
  readonly hasWebhook: () => boolean;
  /** Lifetime of a quote in milliseconds (RS-Q-16). */
  readonly quoteLifespanMs?: number;
}
