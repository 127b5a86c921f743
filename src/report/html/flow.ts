/** The flow as a sequence diagram: a lane for each caller and server, and a row for each exchange. */
import { routes as authServer } from '../../../generated/auth-server/routes.ts';
import { routes as identityProvider } from '../../../generated/identity-provider/routes.ts';
import { routes as resourceServer } from '../../../generated/resource-server/routes.ts';
import { routes as walletAddressServer } from '../../../generated/wallet-address-server/routes.ts';
import { type Html, html } from '../../html/html.ts';
import type { ShownExchange } from '../view.ts';
import { shown } from './pieces.ts';
import { MAX_LANES } from './style.ts';

const servers = [
  ['wallet addresses', walletAddressServer],
  ['authorization server', authServer],
  ['resource server', resourceServer],
  ['identity provider', identityProvider],
] as const;

/** Pages that a browser opens for the person who consents. The back channel of the identity provider is not among them. */
const pages: ReadonlySet<string> = new Set(
  Object.values(identityProvider)
    .filter(({ path }) => !path.startsWith('/grant/'))
    .map(({ operationId }) => operationId),
);

interface Lane {
  readonly name: string;
  /** Absent for callers. */
  readonly ase?: string;
}

const serverOf = (operation: string): string =>
  servers.find(([, routes]) => Object.hasOwn(routes, operation))?.[0] ?? 'other requests';
const callerOf = (operation: string): string => (pages.has(operation) ? 'Browser' : 'Client');

/** Callers first, then the servers of each account servicing entity, as far as they occur. */
function lanesOf(exchanges: readonly ShownExchange[]): Lane[] {
  const callers = ['Client', 'Browser'].filter((name) => exchanges.some((each) => callerOf(each.operation) === name));
  const ases = [...new Set(exchanges.map(({ ase }) => ase))];
  const names = [...servers.map(([name]) => name), 'other requests'];
  const called = ases.flatMap((ase) =>
    names
      .filter((name) => exchanges.some((each) => each.ase === ase && serverOf(each.operation) === name))
      .map((name) => ({ ase, name })),
  );
  return [...callers.map((name) => ({ name })), ...called];
}

/** Numbers of the exchanges that decided about failures and warnings. */
interface Decisive {
  readonly failures: ReadonlySet<number>;
  readonly warnings: ReadonlySet<number>;
}

/** Rows after which the names of the lanes are repeated. */
const ROWS = 20;

/** `exchanges` are those to show; `start` is the time of the first of all. Undefined if there are none, or more servers than a diagram can show. */
export function renderFlow(
  start: string | undefined,
  exchanges: readonly ShownExchange[],
  decisive: Decisive,
): Html | undefined {
  const lanes = lanesOf(exchanges);
  if (exchanges.length === 0 || lanes.length > MAX_LANES) return undefined;
  // The world needs time to start, which is not the client's.
  const row = (exchange: ShownExchange) => renderRow(exchange, lanes, Date.parse(start!), decisive);
  const groups = Array.from({ length: Math.ceil(exchanges.length / ROWS) }, (_, index) => {
    const members = exchanges.slice(index * ROWS, (index + 1) * ROWS);
    return html`${renderActors(lanes)}<ol>${members.map(row)}</ol>`;
  });
  return html`<section id="flow" aria-labelledby="flow-title">
<h2 id="flow-title">Flow</h2>
<div class="flow" role="region" aria-label="Sequence diagram" tabindex="0">
${groups}
</div>
</section>`;
}

/** Each row names its lanes for those who cannot see these. */
const renderActors = (lanes: readonly Lane[]): Html =>
  html`<div class="actors lanes-${String(lanes.length)}" aria-hidden="true"><span></span><div>${lanes.map(
    ({ name, ase }) => html`<span>${ase === undefined ? name : html`${name}<small>${shown(ase, 30)}</small>`}</span>`,
  )}</div></div>`;

function renderRow(exchange: ShownExchange, lanes: readonly Lane[], start: number, decisive: Decisive): Html {
  const { id, ase, operation, status, request, receivedAt } = exchange;
  const from = lanes.findIndex((lane) => lane.ase === undefined && lane.name === callerOf(operation)) + 1;
  const to = lanes.findIndex((lane) => lane.ase === ase && lane.name === serverOf(operation)) + 1;
  const classes = [
    ...(status === null || status >= 400 ? ['refused'] : []),
    ...(status === null ? ['lost'] : []),
    decisive.failures.has(id) ? 'failure' : decisive.warnings.has(id) ? 'caution' : '',
  ].join(' ');
  const line = request.line.replace(/ HTTP\/[\d.]+$/, '');
  const seconds = ((Date.parse(receivedAt) - start) / 1000).toFixed(3);
  return html`<li class="${classes}"><span class="when">${linkToNumber(id)}<br>+${seconds} s</span>
<div class="track lanes-${String(lanes.length)} from-${String(from)} to-${String(to)}">
<span class="hidden">${callerOf(operation)} to ${serverOf(operation)} of ${shown(ase, 30)}:</span>
<span class="says">${shown(line, 200)} <span class="soft">${shown(operation, 60)}</span></span><span class="call"></span><span class="reply"></span>
<span class="status">${status === null ? 'no answer' : String(status)}</span></div></li>`;
}

const linkToNumber = (id: number): Html => html`<a href="#exchange-${String(id)}">#${String(id)}</a>`;
