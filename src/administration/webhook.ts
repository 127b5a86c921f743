/** The webhook of an ASE, and retrying or dropping undelivered events (EVT-01, EVT-03). */
import type { Queryable, Transaction } from '../database/database.ts';
import { dropEvent, retryEvent, type StoredEvent } from '../events/outbox.ts';
import { adminProblem } from './problem.ts';
import { checkServiceUrl } from './service-url.ts';
import { countSettingsChange } from './settings.ts';

/** The URL without the secret, which is never disclosed. */
export async function findWebhookUrl(db: Queryable, ase: string): Promise<string | undefined> {
  const row = await db.selectFrom('ase').select('webhook_url').where('ase', '=', ase).executeTakeFirst();
  return row?.webhook_url ?? undefined;
}

/** Directs events, including those that wait, to this webhook; null disables it. Throws `invalid_request`. */
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

/** Makes an undelivered event due at once and resets its attempts. Throws `not_found`. */
export async function retryUndelivered(db: Queryable, ase: string, id: string, now: number): Promise<StoredEvent> {
  const event = await retryEvent(db, ase, id, now);
  if (!event) throw adminProblem('not_found', 'unknown event');
  return event;
}

/** Drops an undelivered event, so that later ones of its payment do not wait for it. Throws `not_found`. */
export async function dropUndelivered(db: Queryable, ase: string, id: string): Promise<void> {
  if (!(await dropEvent(db, ase, id))) throw adminProblem('not_found', 'unknown event, or it was delivered');
}
