/** The exchanges: request and answer as they went over the wire, without secrets, and the explanation of the signature. */
import { type Html, html } from '../../html/html.ts';
import { count, decisiveExchanges, type ShownExchange, type ShownSignature, type View } from '../view.ts';
import { block, join, shown } from './pieces.ts';

const MAX_EXCHANGES = 400;
/** UTF-16 code units of all exchanges together. */
const MAX_SIZE = 6_000_000;
const MAX_HEADERS = 60;

export interface ListedExchanges {
  /** In the order of their numbers. */
  readonly exchanges: readonly ShownExchange[];
  readonly section: Html;
}

/** Those that decided about a violation come first, then those that were refused, then the newest. */
export function listExchanges(view: View): ListedExchanges {
  const decisive = decisiveExchanges(view);
  const rank = ({ id, status }: ShownExchange): number => {
    const position = decisive.indexOf(id);
    if (position >= 0) return position;
    return decisive.length + (status === null || status >= 400 ? 0 : 1);
  };
  const ordered = view.exchanges
    .map((exchange) => ({ exchange, rank: rank(exchange) }))
    .sort((one, other) => one.rank - other.rank || other.exchange.id - one.exchange.id);
  const rendered: { exchange: ShownExchange; piece: Html }[] = [];
  let size = 0;
  for (const { exchange } of ordered.slice(0, MAX_EXCHANGES)) {
    const piece = renderExchange(exchange, view.explainSignature(exchange));
    size += piece.text.length;
    if (size > MAX_SIZE) break;
    rendered.push({ exchange, piece });
  }
  rendered.sort((one, other) => one.exchange.id - other.exchange.id);
  const rest = view.exchanges.length - rendered.length;
  const section = html`<section id="exchanges" aria-labelledby="exchanges-title">
<h2 id="exchanges-title">Exchanges</h2>
<p class="soft">${count(view.exchanges.length, 'request')} as received and answered. Secrets are shown as their first characters and their length.</p>
${rest > 0 ? html`<p><b>${count(rest, 'exchange')} left out</b>: the page shows those that decided, then refused ones, then the newest. The file of exchanges has all.</p>` : undefined}
${rendered.map(({ piece }) => piece)}
</section>`;
  return { exchanges: rendered.map(({ exchange }) => exchange), section };
}

/** `prefix` tells the exchanges of a run from those with the same numbers in others. */
export function renderExchange(exchange: ShownExchange, signature: ShownSignature | undefined, prefix = ''): Html {
  const { id, ase, operation, status, request } = exchange;
  const line = request.line.replace(/ HTTP\/[\d.]+$/, '');
  return html`<details>
<summary><span class="id">#${String(id)}</span><span class="name"><code>${shown(line, 300)}</code></span>
<span class="soft">${shown(ase, 30)} · ${shown(operation, 60)}</span>${renderStatus(status)}${renderPill(signature?.pill)}</summary>
<div class="body" id="${prefix}exchange-${String(id)}">
${renderExchangeBody(exchange, signature?.body)}
</div>
</details>`;
}

/** Refusal, request, answer and signature. */
export function renderExchangeBody(exchange: ShownExchange, signature: Html | undefined): Html {
  const { status, request, response, refusal, lenient } = exchange;
  return html`${refusal && html`<p><b>Refused:</b> ${shown(refusal.code)} (${shown(refusal.reason)})</p>`}
${lenient.length > 0 ? html`<p><b>Tolerated:</b> ${shown(lenient.join(', '))}</p>` : undefined}
<div class="messages">
<div><h3>Request</h3>${renderMessage(request.line, request)}</div>
<div><h3>Answer</h3>${response ? renderMessage(`${status}`, { ...response, body: response.body && pretty(response.body) }) : html`<p>The connection ended without an answer.</p>`}</div>
</div>
${signature}`;
}

const renderStatus = (status: number | null): Html =>
  html`<span class="pill ${status === null || status >= 400 ? 'fail' : 'pass'}">${status === null ? 'no answer' : String(status)}</span>`;

const renderPill = (pill: ShownSignature['pill']): Html | undefined =>
  pill && html`<span class="pill ${pill[1]}">${pill[0]}</span>`;

function renderMessage(start: string, { headers, body, bytes }: NonNullable<ShownExchange['response']>): Html {
  const lines = headers.slice(0, MAX_HEADERS).map(([name = '', value = '']) => `${shown(name)}: ${shown(value)}`);
  const omitted = headers.length - lines.length;
  const head = [shown(start), ...lines, ...(omitted > 0 ? [`… (${omitted} more headers)`] : [])];
  return join([
    html`<pre><code>${head}</code></pre>`,
    ...(bytes === 0
      ? []
      : [
          body === null
            ? html`<p class="soft">${count(bytes, 'byte')} that are not JSON, which could contain secrets</p>`
            : block(body),
        ]),
  ]);
}

/** Only of answers: the white space of a request can be what is wrong with it. */
function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
