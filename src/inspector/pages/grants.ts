/** Grants: the rights in words, what is spent of their limits, their tokens and payments. */
import type { components } from '../../../generated/control/types.ts';
import { type Html, html } from '../../html/html.ts';
import { describeRight } from '../../identity-provider/describe-access.ts';
import type { Access, OutgoingPaymentAccess } from '../../open-payments/access.ts';
import { type Amount, toWireAmount } from '../../open-payments/amount.ts';
import { findSpending } from '../../payments/outgoing/grant-spending.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { actionButton, facts, money, nextPage, pill, section, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Grant = components['schemas']['grant'];

const columns = [
  { name: 'Grant' },
  { name: 'State' },
  { name: 'Client', isText: true },
  { name: 'Rights', isText: true },
  { name: 'Created' },
];

/** The control API describes access as objects; it is stored valid. */
const accessOf = ({ access }: Pick<Grant, 'access'>): Access[] => access as unknown as Access[];

function summarize(access: Access): string {
  const { title, limit } = describeRight(access);
  return limit === undefined ? title : `${title}: ${limit.before}${limit.amount}${limit.after}`;
}

const grantRow = (base: string, ase: string) => (grant: Grant) => ({
  id: grant.id,
  cells: [
    html`<a class="mono" href="${base}/grants/${ase}/${grant.id}">${grant.id.slice(0, 8)}</a>`,
    pill(grant.state),
    shown(grant.clientName ?? grant.client, 100),
    accessOf(grant).map((item) => html`<div>${shown(summarize(item), 200)}</div>`),
    time(grant.createdAt),
  ],
});

const listOf = (base: string, ase: string, grants: readonly Grant[]) =>
  table(`grants-${ase}`, `Grants of ${ase}`, columns, grants.map(grantRow(base, ase)));

const spentText = (amount: Amount | null): string => {
  if (amount === null) return 'nothing yet';
  const { value, assetCode, assetScale } = toWireAmount(amount);
  return money(value, assetCode, assetScale);
};

async function renderSpent(
  { world, params }: PageContext,
  item: OutgoingPaymentAccess,
): Promise<readonly [string, string][]> {
  const { identifier, limits } = item;
  const ase = world.keyOf(params['ase']!)!;
  const spending = { ase, grantId: params['grant']!, identifier, limits, now: world.businessNow() };
  const { spentDebit, spentReceive } = await findSpending(world.query, spending);
  const when = limits?.interval === undefined ? '' : ' in this interval';
  return [
    [`Sent${when}`, spentText(spentDebit)],
    [`Received${when}`, spentText(spentReceive)],
  ];
}

async function renderRight(context: PageContext, item: Access): Promise<Html> {
  const { title, limit, facts: terms, also } = describeRight(item);
  const spent = item.type === 'outgoing-payment' ? await renderSpent(context, item) : [];
  return html`<h3>${title}</h3>
${limit && html`<p>${limit.before}<b>${shown(limit.amount)}</b>${limit.after}</p>`}
${facts([...terms.map(([term, detail]) => [term, shown(detail, 300)] as const), ...spent])}
${also.length > 0 ? html`<ul>${also.map((each) => html`<li>${each}</li>`)}</ul>` : undefined}`;
}

const tokenColumns = [{ name: 'Issued' }, { name: 'Expires' }, { name: 'State' }];
const paymentColumns = [
  { name: 'Payment' },
  { name: 'State' },
  { name: 'Wallet', isText: true },
  { name: 'Moved', isNumber: true },
];

async function renderGrant(context: PageContext): Promise<Html> {
  const { world, base, params } = context;
  const names = { ase: params['ase']!, grant: params['grant']! };
  const grant = await world.api('get-grant', { params: names });
  const { payments } = await world.api('list-grant-payments', { params: names, query: { first: '50' } });
  const now = new Date(world.businessNow()).toISOString();
  const tokens = grant.tokens.map(({ createdAt, expiresAt, revokedAt }, index) => ({
    id: String(index),
    cells: [
      time(createdAt),
      time(expiresAt),
      revokedAt !== null ? pill('revoked') : expiresAt <= now ? pill('expired') : pill('active'),
    ],
  }));
  const paid = payments.map(({ id, type, state, walletAddress, moved, assetCode, assetScale }) => ({
    id,
    cells: [
      type === 'outgoing-payment'
        ? html`<a class="mono" href="${base}/payments/${names.ase}/${id}">outgoing ${id.slice(0, 8)}</a>`
        : html`<span class="mono">incoming ${id.slice(0, 8)}</span>`,
      pill(state),
      shown(walletAddress, 100),
      money(moved, assetCode, assetScale),
    ],
  }));
  const rights = await Promise.all(accessOf(grant).map((item) => renderRight(context, item)));
  return html`${section(
    'grant',
    'Grant',
    html`${facts([
      ['Id', html`<span class="mono">${grant.id}</span>`],
      ['State', pill(grant.state)],
      ['Client', shown(grant.client, 300)],
      ['Name', shown(grant.clientName ?? 'none', 100)],
      ['Created', time(grant.createdAt)],
    ])}`,
    true,
  )}
${grant.state === 'revoked' ? undefined : html`<section aria-label="Revoke">${actionButton(context, `/grants/${names.ase}/${grant.id}/revoke`, 'Revoke the grant', { kind: 'danger' })}</section>`}
${section('rights', 'Rights', rights, true)}
${section('tokens', 'Tokens, the newest', table('token', 'Tokens', tokenColumns, tokens), true)}
${section('payments', 'Payments under it', table('payment', 'Payments', paymentColumns, paid), true)}`;
}

export const grantRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/grants',
    async serve({ world, base }) {
      const parts = (await listAses(world)).map(async ({ name }) => {
        const { grants, hasNextPage } = await world.api('list-grants', { params: { ase: name } });
        const all = hasNextPage
          ? html`<p class="pages"><a href="${base}/grants/${name}">All grants of ${name}</a></p>`
          : undefined;
        return html`${section(`ase-${name}`, name, listOf(base, name, grants), true)}${all}`;
      });
      return { title: 'Grants', every: LIVE_MS, content: html`${await Promise.all(parts)}` };
    },
  },
  {
    method: 'GET',
    path: '/grants/:ase',
    async serve({ world, base, params, query }) {
      const ase = params['ase']!;
      const { cursor } = query;
      const page = await world.api('list-grants', { params: { ase }, query: { cursor, first: '50' } });
      return {
        title: `Grants of ${shown(ase, 30)}`,
        content: html`${section('list', 'Newest first', listOf(base, ase, page.grants))}
${nextPage(`${base}/grants/${encodeURIComponent(ase)}`, { cursor: page.endCursor ?? undefined }, page.hasNextPage)}`,
      };
    },
  },
  {
    method: 'GET',
    path: '/grants/:ase/:grant',
    serve: async (context) => ({
      title: `Grant ${shown(context.params['grant']!.slice(0, 8))}`,
      every: LIVE_MS,
      content: await renderGrant(context),
    }),
  },
  {
    method: 'POST',
    path: '/grants/:ase/:grant/revoke',
    async serve({ world, params }) {
      const { ase, grant } = params as { ase: string; grant: string };
      await world.api('revoke-grant', { params: { ase, grant } });
      return { to: `/grants/${ase}/${grant}`, notice: 'The grant and its tokens are revoked.' };
    },
  },
];
