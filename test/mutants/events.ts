/** Mutants of webhook events and of the rates of a service (EVT-01…06, SET-06). */
import type { Mutant } from './mutant.ts';

const delivery = 'src/events/delivery.ts';
const stored = 'src/events/outbox.ts';
const rates = 'src/payments/rate-service.ts';

export const eventMutants: readonly Mutant[] = [
  {
    id: 'events.time-in-seconds',
    file: 'src/events/signature.ts',
    at: 'return `t=${«wallNow»}, v1',
    by: 'Math.round(wallNow / 1000)',
    fails: ['events.payment'],
  },
  {
    id: 'events.members-out-of-order',
    file: 'src/events/canonical-json.ts',
    at: '(«a < b» ? -1 : 1)',
    by: 'a > b',
    fails: ['events.payment'],
  },
  {
    id: 'events.delivery-unannounced',
    file: 'src/payments/incoming/credit.ts',
    at: 'if («credited.completed») await announce(',
    by: 'false',
    fails: ['events.payment'],
  },
  {
    id: 'events.one-id-for-all-of-a-payment',
    file: stored,
    at: 'update(«`${ase}\\n${type}\\n${subject}`»)',
    by: '`${ase}\\n${subject}`',
    fails: ['events.payment'],
  },
  {
    id: 'events.failure-as-completion',
    file: 'src/payments/outgoing/fail.ts',
    at: "announce(tx, «'outgoing_payment.failed'», job.id)",
    by: "'outgoing_payment.completed'",
    fails: ['events.failed-payment'],
  },
  {
    id: 'events.completion-by-client-unannounced',
    file: 'src/resource/incoming-payment.ts',
    at: "await «deps.announce(tx, 'incoming_payment.completed', row.id)»;",
    by: 'undefined',
    fails: ['events.completed-by-client'],
  },
  {
    id: 'events.any-success-counts',
    file: delivery,
    at: 'return «status === 200» ? undefined',
    by: 'status < 300',
    fails: ['events.retry'],
  },
  {
    id: 'events.redelivered-at-a-fixed-interval',
    file: delivery,
    at: 'dueAt: clock.businessNow() + «(attempts + 1) * RETRY_MS»',
    by: 'RETRY_MS',
    fails: ['events.retry'],
  },
  {
    id: 'events.newest-first',
    file: stored,
    at: ".whereRef('other.sequence', «'<'», 'event.sequence')",
    by: "'>'",
    fails: ['events.retry'],
  },
  {
    id: 'events.never-given-up',
    file: delivery,
    at: 'if («attempts >= MAX_RETRIES») {',
    by: 'false',
    fails: ['events.given-up'],
  },
  {
    id: 'events.every-expiry',
    file: stored,
    at: '.where(«sql<boolean>`partly_paid`»)',
    by: 'sql`true`',
    fails: ['events.expiry'],
  },
  {
    id: 'events.expiry-unannounced',
    file: delivery,
    at: 'for (const id of «ids») await announce(',
    by: '[]',
    fails: ['events.expiry'],
  },
  {
    id: 'events.webhook-stays',
    file: 'src/administration/webhook.ts',
    at: '.set(«columns ?? { webhook_url: null, webhook_secret: null }»)',
    by: 'columns ?? {settings_version: 0}',
    fails: ['events.webhook'],
  },
  {
    id: 'events.any-url',
    file: 'src/administration/service-url.ts',
    at: "if («!url || !(url.protocol === 'https:' || (allowHttp && url.protocol === 'http:'))») {",
    by: '!url',
    fails: ['events.webhook'],
  },
  {
    id: 'rates.asked-for-too-often',
    file: rates,
    at: 'now - known.at < «LIFE_MS»',
    by: '14_000',
    fails: ['rates.service'],
  },
  {
    id: 'rates.remembered-for-too-long',
    file: rates,
    at: '«known && now - known.at < LIFE_MS && now >= known.at»',
    by: 'known && now - known.at < 16_000',
    fails: ['rates.service'],
  },
  {
    id: 'rates.rounded-to-a-double',
    file: rates,
    at: 'new NumberText(«source!»)',
    by: 'String(value)',
    fails: ['rates.service'],
  },
  {
    id: 'rates.of-any-base',
    file: rates,
    at: 'if («answer.base !== base») throw',
    by: 'false',
    fails: ['rates.unusable'],
  },
  {
    id: 'rates.sign-ignored',
    file: rates,
    at: '.exec(«value.text»)',
    by: "value.text.replace('-', '')",
    fails: ['rates.unusable'],
  },
];
