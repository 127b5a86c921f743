/** Has every change of an ASE over the control API recorded, in the transaction that makes it. */
import { routes } from '../../generated/control/routes.ts';
import { appendAuditLog } from '../administration/audit-log.ts';
import type { Call } from '../http/pipeline.ts';
import { type AdministrationDeps, createAseAccess } from './administration.ts';

interface AseRequest {
  readonly params: { readonly ase: string };
  readonly body?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: each handler's exact type is checked where it is made
type Handler = (call: Call<undefined>, request: any) => Promise<any>;

/** The same handlers; what they ask for stands in the list of actions if, and only if, it was done. */
export function withAuditLog<H extends Readonly<Record<string, Handler>>>(deps: AdministrationDeps, handlers: H): H {
  const { expectAse } = createAseAccess(deps);
  const recorded = Object.entries(handlers).map(([operation, handle]): [string, Handler] => {
    if (routes[operation as keyof typeof routes].method === 'GET') return [operation, handle];
    return [
      operation,
      (call, request: AseRequest) => {
        const ase = expectAse(request.params.ase).key;
        const asked = { ...(request.body as object | undefined), ...request.params, ase: undefined };
        const transaction: typeof call.transaction = (work) =>
          call.transaction(async (tx) => {
            const reply = await work(tx);
            const { status } = reply;
            await appendAuditLog(tx, ase, { operation, status, request: asked, at: deps.wallNow() });
            return reply;
          });
        return handle({ ...call, transaction }, request);
      },
    ];
  });
  return Object.fromEntries(recorded) as H;
}
