/** The back channel: decisions by an external identity provider, over Rafiki's API (AS-75, AS-80…83). */
import type { DecisionApiHandlers } from '../../generated/identity-provider/routes.ts';
import { Problem } from '../errors.ts';
import type { Call } from '../http/server.ts';
import type { Decision, Interactions, InteractionView } from '../open-payments/interaction.ts';

const STATES = { pending: 'PENDING', approved: 'APPROVED', denied: 'DENIED' } as const satisfies Record<
  InteractionView['state'],
  string
>;

export function createBackChannelHandlers({ interactions }: { readonly interactions: Interactions }) {
  const decide = async (id: string, nonce: string, decision: Decision) => {
    await interactions.decide(id, nonce, decision);
    return { status: 202 as const };
  };
  return {
    'get-interaction': async (_call, { params: { id, nonce }, query: { holder } }) => {
      const view = await interactions.read(id, nonce, holder);
      const { grantId, access, subject, state, clientName, clientUri, finishUri, expiresAt } = view;
      const items = access.map(({ actions, limits, ...item }) => ({
        ...item,
        actions: [...actions],
        ...(limits && { limits: { ...limits } }),
      }));
      const subIds = subject && { sub_ids: subject.sub_ids.map((subId) => ({ ...subId })) };
      return {
        status: 200,
        body: {
          grantId,
          access: items,
          ...(subIds && { subject: subIds }),
          state: STATES[state],
          client: { name: clientName, uri: clientUri },
          expiresAt: new Date(expiresAt).toISOString(),
          ...(finishUri !== undefined && { finishUri }),
        },
      };
    },
    'accept-interaction': async (_call, { params: { id, nonce }, query: { holder, ticketDigest }, body }) =>
      decide(id, nonce, { choice: 'accept', holder, ticketDigest, limits: body?.limits }),
    'reject-interaction': async (_call, { params: { id, nonce }, query: { ticketDigest } }) =>
      decide(id, nonce, { choice: 'reject', ticketDigest }),
    'reject-unknown-decision': async (_call, { params: { id, nonce } }) => {
      await interactions.read(id, nonce);
      throw new Problem('unknown_decision');
    },
  } satisfies DecisionApiHandlers<Call<undefined>>;
}
