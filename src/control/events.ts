/** The webhook of an ASE and its undelivered events (EVT-01). */
import type { Handlers } from '../../generated/control/routes.ts';
import { dropUndelivered, findWebhookUrl, retryUndelivered, setWebhook } from '../administration/webhook.ts';
import { toInstant } from '../database/columns.ts';
import { listEvents, type StoredEvent } from '../events/outbox.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';

const toEventBody = ({ subject, createdAt, dueAt, failure, ...event }: StoredEvent) => ({
  ...event,
  payment: subject,
  failure: failure ?? null,
  createdAt: toInstant(createdAt),
  dueAt: toInstant(dueAt),
});

export function createEventHandlers(deps: AdministrationDeps) {
  const { db, businessNow } = deps;
  const { expectAse, changeSettings } = createAseAccess(deps);
  return {
    'get-webhook': async (_call, { params }) => ({
      status: 200,
      body: { url: (await findWebhookUrl(db.query, expectAse(params.ase).key)) ?? null },
    }),
    'set-webhook': async (call, { params, body }) => {
      const reply = await changeSettings(call, params.ase, async (tx, { key, local }) => {
        await setWebhook(tx, key, { allowHttp: local }, body);
        return { status: 200 as const, body: { url: body.url } };
      });
      expectAse(params.ase).wakeEvents();
      return reply;
    },
    'remove-webhook': (call, { params }) =>
      changeSettings(call, params.ase, async (tx, { key, local }) => {
        await setWebhook(tx, key, { allowHttp: local }, null);
        return { status: 204 as const };
      }),
    'list-events': async (_call, { params, query }) => {
      const events = await listEvents(
        db.query,
        expectAse(params.ase).key,
        query.state ?? 'undelivered',
        query.first ?? 100,
      );
      return { status: 200, body: { events: events.map(toEventBody) } };
    },
    'retry-event': async (call, { params }) => {
      const { key, wakeEvents } = expectAse(params.ase);
      const reply = await call.transaction(async (tx) => ({
        status: 200 as const,
        body: toEventBody(await retryUndelivered(tx, key, params.event, businessNow())),
      }));
      wakeEvents();
      return reply;
    },
    'drop-event': async (call, { params }) => {
      const { key, wakeEvents } = expectAse(params.ase);
      const reply = await call.transaction(async (tx) => {
        await dropUndelivered(tx, key, params.event);
        return { status: 204 as const };
      });
      wakeEvents();
      return reply;
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
