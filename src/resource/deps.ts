/** Collaborators of the resource server. */
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import type { ClientKey } from '../http/signatures/client-keys.ts';
import type { Ids } from '../ids.ts';
import type { Asset } from '../open-payments/amount.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import type { Fee } from '../payments/fees.ts';
import type { AnnouncePayment } from '../payments/payment-event.ts';
import type { Rate } from '../payments/rates.ts';
import type { ReadReceiver } from '../payments/receiver.ts';
import type { Switches } from '../profile.ts';
import type { Introspect } from './introspection-client.ts';

export interface ResourceDeps {
  readonly ase: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly switches: Switches;
  /** Grant endpoint, as the wallet addresses publish it (RS-04). */
  readonly authServer: string;
  /** Base of all resource URLs, without trailing slash (RS-15). */
  readonly resourceServer: string;
  /** By a query of the authorization server's own, or over HTTP. */
  readonly introspect: Introspect;
  /** The client's key of that id. Throws ClientKeyError. */
  readonly clientKey: (client: ClientInstance, keyid: string) => Promise<ClientKey>;
  /** Credentials of the payment method `ilp`. */
  readonly credentialsFor: (incomingPaymentId: string) => {
    readonly ilpAddress: string;
    readonly sharedSecret: Buffer;
  };
  /** Whether packets in this asset find a way to the address. */
  readonly canReach: (ilpAddress: string, asset: Asset) => boolean;
  /** Made by `createReceiverReader`, and settlement's too. */
  readonly readReceiver: ReadReceiver;
  /** Between minor units of two assets, at the moment. Throws `no_rate`. */
  readonly rate: (from: Asset, to: Asset) => Promise<Rate>;
  readonly fee: (asset: Asset) => Fee;
  /** Called after a transaction that created an outgoing payment has committed. */
  readonly wakePayments: () => void;
  readonly announce: AnnouncePayment;
  /** How long a quote binds, in milliseconds (RS-Q-16). */
  readonly quoteLifespanMs?: number;
}
