/** Where the events of an ASE go, and what becomes of those that nobody takes (EVT-01, EVT-03). */
import type { Queryable, Transaction } from '../database/database.ts';
import { dropEvent, retryEvent, type StoredEvent } from '../events/outbox.ts';
import { notFound } from './problem.ts';
import { checkServiceUrl } from './service-url.ts';
import { countSettingsChange } from './settings.ts';

/** Its secret is told to nobody. */
export async function readWebhookUrl(db: Queryable, ase: string): Promise<string | undefined> {
  const row = await db.selectFrom('ase').select('webhook_url').where('ase', '=', ase).executeTakeFirst();
  return row?.webhook_url ?? undefined;
}

/** Sends events there from now on, also those that wait; null for nowhere. Throws `invalid_request`. */
export async function setWebhook(
  tx: Transaction,
  ase: string,
  rules: { readonly allowHttp: boolean },
  webhook: { readonly url: string; readonly secret: string } | null,
): Promise<void> {
  const columns = webhook && {
    webhook_url: checkServiceUrl(webhook.url, rules.allowHttp),
    webhook_secret: webhook.secret,
  };
  await countSettingsChange(tx, ase);
  await tx
    .updateTable('ase')
    .set(columns ?? { webhook_url: null, webhook_secret: null })
    .where('ase', '=', ase)
    .execute();
}

/** Has an undelivered event tried again at once, from the first attempt on. Throws `not_found`. */
export async function retryUndelivered(db: Queryable, ase: string, id: string, now: number): Promise<StoredEvent> {
  const event = await retryEvent(db, ase, id, now);
  if (!event) throw notFound('no such event');
  return event;
}

/** Gives an undelivered event up, so that later ones of its payment do not wait for it. Throws `not_found`. */
export async function dropUndelivered(db: Queryable, ase: string, id: string): Promise<void> {
  if (!(await dropEvent(db, ase, id))) throw notFound('no such event, or it was delivered');
}
