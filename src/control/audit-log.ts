/** The audit log: every change of an ASE is recorded in the transaction that makes it. */
import { type Handlers, routes } from '../../generated/control/routes.ts';
import { appendAuditLog, listAuditLog } from '../administration/audit-log.ts';
import { toInstant } from '../database/columns.ts';
import { type AdministrationDeps, type ControlCall, createAseAccess } from './ase-access.ts';
import { toPageBody } from './bodies.ts';

interface AseRequest {
  readonly params: { readonly ase: string };
  readonly body?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: each handler's exact type is checked where it is made
type Handler = (call: ControlCall, request: any) => Promise<any>;

/** Wraps handlers so that each change they commit, and only those, appends an entry to the audit log. */
export function withAuditLog<H extends Readonly<Record<string, Handler>>>(deps: AdministrationDeps, handlers: H): H {
  const { expectAse } = createAseAccess(deps);
  const recorded = Object.entries(handlers).map(([operation, handle]): [string, Handler] => {
    if (routes[operation as keyof typeof routes].method === 'GET') return [operation, handle];
    return [
      operation,
      (call, request: AseRequest) => {
        const ase = expectAse(request.params.ase).key;
        const asked = { ...(request.body as object | undefined), ...request.params, ase: undefined };
        const transaction: typeof call.transaction = (work) => {
          const change = call.transaction(async (tx) => {
            const reply = await work(tx);
            const { status } = reply;
            await appendAuditLog(tx, ase, { operation, status, request: asked, at: deps.wallNow() });
            return reply;
          });
          return change.finally(() => deps.db.replica.noteChange(ase));
        };
        return handle({ ...call, transaction }, request);
      },
    ];
  });
  return Object.fromEntries(recorded) as H;
}

export function createAuditLogHandlers({ db, ...deps }: AdministrationDeps) {
  const { expectAse } = createAseAccess(deps);
  return {
    'list-actions': async (_call, { params, query }) => {
      const { items, ...page } = await listAuditLog(db.query, expectAse(params.ase).key, query);
      const actions = items.map(({ at, detail, ...action }) => ({
        ...action,
        at: toInstant(at),
        detail: { ...detail },
      }));
      return { status: 200, body: { actions, ...toPageBody(page) } };
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
