/** The flow as a sequence diagram: a lane for each caller and server, and a row for each exchange or packet. */
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

/** One arrow and its answer. */
export interface FlowStep {
  /** Unique in its diagram. */
  readonly key: string;
  /** Names the row: a number, linked or not. */
  readonly label: Html;
  readonly from: Lane;
  readonly to: Lane;
  readonly text: string;
  readonly detail: string;
  /** Undefined without an answer. */
  readonly answer: string | undefined;
  readonly isRefused: boolean;
  /** Wall time in milliseconds. */
  readonly at: number;
  readonly mark?: 'failure' | 'caution' | undefined;
}

const callers = ['Client', 'Browser', 'Servers'] as const;
const connector = 'connector';
const laneNames = [...servers.map(([name]) => name), 'other requests', connector];

const serverOf = (operation: string): string =>
  servers.find(([, routes]) => Object.hasOwn(routes, operation))?.[0] ?? 'other requests';

function callerOf({ operation, isFromServer }: FlowExchange): (typeof callers)[number] {
  if (pages.has(operation)) return 'Browser';
  return isFromServer ? 'Servers' : 'Client';
}

/** The part of an exchange that a diagram shows. */
export type FlowExchange = Pick<ShownExchange, 'id' | 'ase' | 'operation' | 'status' | 'receivedAt'> & {
  readonly request: { readonly line: string };
  /** It came from a server of this world. */
  readonly isFromServer?: boolean | undefined;
};

export const stepOfExchange = (exchange: FlowExchange, label: Html, mark?: FlowStep['mark']): FlowStep => ({
  key: `exchange-${exchange.id}`,
  label,
  from: { name: callerOf(exchange) },
  to: { name: serverOf(exchange.operation), ase: exchange.ase },
  text: exchange.request.line.replace(/ HTTP\/[\d.]+$/, ''),
  detail: exchange.operation,
  answer: exchange.status === null ? undefined : String(exchange.status),
  isRefused: exchange.status === null || exchange.status >= 400,
  at: Date.parse(exchange.receivedAt),
  mark,
});

/** The lane of an ILP connector, between which packets go. */
export const connectorOf = (ase: string): Lane => ({ name: connector, ase });

const isSameLane = (one: Lane, other: Lane): boolean => one.name === other.name && one.ase === other.ase;

/** Callers first, then the servers of each account servicing entity, as far as they occur. */
function lanesOf(steps: readonly FlowStep[], firstAse: string | undefined): Lane[] {
  const ends = steps.flatMap(({ from, to }) => [from, to]);
  const ases = [...new Set([firstAse, ...ends.map(({ ase }) => ase)])].filter((ase) => ase !== undefined);
  const all = [
    ...callers.map((name): Lane => ({ name })),
    ...ases.flatMap((ase) => laneNames.map((name): Lane => ({ ase, name }))),
  ];
  return all.filter((lane) => ends.some((end) => isSameLane(end, lane)));
}

/** Rows after which the names of the lanes are repeated. */
const ROWS = 20;

export interface FlowOptions {
  /** Wall time in milliseconds, from which the times of the rows are counted. */
  readonly start: number;
  /** The ASE whose lanes come first. Packets go from its connector. */
  readonly firstAse?: string;
}

/** Undefined without steps, and for more lanes than a diagram can show. */
export function renderFlow(steps: readonly FlowStep[], { start, firstAse }: FlowOptions): Html | undefined {
  const lanes = lanesOf(steps, firstAse);
  if (steps.length === 0 || lanes.length > MAX_LANES) return undefined;
  const groups = Array.from({ length: Math.ceil(steps.length / ROWS) }, (_, index) => {
    const members = steps.slice(index * ROWS, (index + 1) * ROWS);
    return html`${renderActors(lanes, index)}<ol id="flow-rows-${String(index)}">${members.map((step) => renderRow(step, lanes, start))}</ol>`;
  });
  return html`<section id="flow" aria-labelledby="flow-title">
<h2 id="flow-title">Flow</h2>
<div class="flow" id="flow-diagram" role="region" aria-label="Sequence diagram" tabindex="0">
${groups}
</div>
</section>`;
}

/** With twelve lanes, one is narrower than the word “authorization”. */
const hyphenate = (name: string): Html | string =>
  name === 'authorization server' ? html`authori&shy;zation server` : name;

/** Each row names its lanes for those who cannot see these. */
const renderActors = (lanes: readonly Lane[], index: number): Html =>
  html`<div id="flow-actors-${String(index)}" class="actors lanes-${String(lanes.length)}" aria-hidden="true"><span></span><div>${lanes.map(
    ({ name, ase }) =>
      html`<span>${ase === undefined ? name : html`${hyphenate(name)}<small>${shown(ase, 30)}</small>`}</span>`,
  )}</div></div>`;

function renderRow(step: FlowStep, lanes: readonly Lane[], start: number): Html {
  const { key, label, from, to, text, detail, answer, isRefused, at, mark = '' } = step;
  const column = (end: Lane) => String(lanes.findIndex((lane) => isSameLane(lane, end)) + 1);
  const classes = [...(isRefused ? ['refused'] : []), ...(answer === undefined ? ['lost'] : []), mark].join(' ');
  const nameOf = ({ name, ase }: Lane) => (ase === undefined ? name : `${name} of ${shown(ase, 30)}`);
  return html`<li id="flow-${key}" class="${classes}"><span class="when">${label}<br>+${((at - start) / 1000).toFixed(3)} s</span>
<div class="track lanes-${String(lanes.length)} from-${column(from)} to-${column(to)}">
<span class="hidden">${nameOf(from)} to ${nameOf(to)}:</span>
<span class="says">${shown(text, 200)} <span class="soft">${shown(detail, 60)}</span></span><span class="call"></span><span class="reply"></span>
<span class="status">${answer ?? 'no answer'}</span></div></li>`;
}
