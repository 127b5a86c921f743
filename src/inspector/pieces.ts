/** Pieces that several pages share: amounts, times, states, tables, forms and links to further pages. */

import { type Html, type HtmlValue, html } from '../html/html.ts';
import { formatAmount } from '../identity-provider/describe-access.ts';
import { shown } from '../report/html/pieces.ts';
import type { PageContext } from './route.ts';

export const money = (value: string, assetCode: string, assetScale: number): string =>
  value.startsWith('-')
    ? `−${money(value.slice(1), assetCode, assetScale)}`
    : shown(formatAmount({ value, assetCode, assetScale }));

/** `2026-11-27 01:30:00 UTC`. */
export const time = (instant: string): Html =>
  html`<time datetime="${instant}">${instant.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}</time>`;

const pillKinds: Readonly<Record<string, string>> = {
  pass: 'pass',
  completed: 'pass',
  fulfilled: 'pass',
  delivered: 'pass',
  issued: 'pass',
  active: 'pass',
  fail: 'fail',
  failed: 'fail',
  rejected: 'fail',
  revoked: 'fail',
  undelivered: 'fail',
  warning: 'warning',
  pending: 'warning',
  approved: 'note',
  note: 'note',
};

export const pill = (word: string, kind = pillKinds[word] ?? ''): Html =>
  html`<span class="pill ${kind}">${shown(word, 60)}</span>`;

export const statusPill = (status: number | null): Html =>
  status === null ? pill('no answer', 'fail') : pill(String(status), status >= 400 ? 'fail' : 'pass');

export interface Column {
  readonly name: string;
  readonly isNumber?: boolean;
  /** Text without spaces, such as a URL, breaks anywhere. */
  readonly isText?: boolean;
}

/** A row has one cell for each column; the first one is its heading. */
export interface Row {
  readonly id: string;
  readonly cells: readonly HtmlValue[];
}

/** On a narrow screen, each row is a card whose cells name their columns. */
export function table(id: string, caption: string, columns: readonly Column[], rows: readonly Row[]): Html {
  if (rows.length === 0) return html`<p class="soft">None.</p>`;
  const kind = ({ isNumber, isText }: Column) => (isNumber ? html` class="number"` : isText ? html` class="text"` : '');
  const cell = (content: HtmlValue, index: number) =>
    index === 0
      ? html`<th scope="row">${content}</th>`
      : html`<td${kind(columns[index]!)} data-label="${columns[index]!.name}">${content}</td>`;
  return html`<table class="cards" id="${id}"><caption id="${id}-caption" class="hidden">${caption}</caption>
<thead id="${id}-head"><tr>${columns.map((column) => html`<th scope="col"${kind(column)}>${column.name}</th>`)}</tr></thead>
<tbody id="${id}-body">${rows.map((row) => html`<tr id="${id}-${row.id}">${row.cells.map(cell)}</tr>`)}</tbody>
</table>`;
}

/** `live` regions follow what happens, see `script.ts`. */
export const section = (id: string, title: string, content: HtmlValue, live = false): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title"${live ? html` data-live` : ''}>
<h2 id="${id}-title">${title}</h2>
<div id="${id}-content">${content}</div>
</section>`;

type FormContext = Pick<PageContext, 'base' | 'session'>;

/** A form that posts to a path below the base. */
export const form = ({ base, session }: FormContext, action: string, fields: HtmlValue): Html =>
  html`<form class="fields" method="post" action="${base}${action}"><input type="hidden" name="form" value="${session.formToken}">${fields}</form>`;

export interface ButtonOptions {
  readonly kind?: 'primary' | 'danger';
  /** For those who do not see which row it is in. */
  readonly about?: string;
  readonly values?: Readonly<Record<string, string>>;
}

/** A form that is only a button. */
export const actionButton = (
  context: FormContext,
  action: string,
  label: string,
  { kind, about, values = {} }: ButtonOptions = {},
): Html =>
  html`<form method="post" action="${context.base}${action}"><input type="hidden" name="form" value="${context.session.formToken}">${Object.entries(
    values,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button${kind ? html` class="${kind}"` : ''}${about ? html` aria-label="${label} ${about}"` : ''}>${label}</button></form>`;

export interface FieldOptions {
  readonly type?: string;
  readonly value?: string;
  readonly isRequired?: boolean;
  readonly isWide?: boolean;
  readonly hint?: string;
}

/** `scope` tells fields of the same name on one page apart. */
export function field(scope: string, name: string, label: string, options: FieldOptions = {}): Html {
  const { type = 'text', value = '', isRequired, isWide, hint } = options;
  const id = `${scope}-${name}`;
  const shared = html`id="${id}" name="${name}" autocomplete="off"${isRequired ? html` required` : ''}${hint ? html` aria-describedby="${id}-hint"` : ''}`;
  const input =
    type === 'textarea'
      ? html`<textarea ${shared}>${value}</textarea>`
      : html`<input ${shared} type="${type}" value="${value}">`;
  return html`<div class="field${isWide ? ' wide' : ''}"><label for="${id}">${label}</label>${input}${hint && html`<span class="soft" id="${id}-hint">${hint}</span>`}</div>`;
}

export interface Choice {
  readonly value: string;
  readonly label?: string;
}

export const select = (scope: string, name: string, label: string, choices: readonly Choice[], chosen?: string): Html =>
  html`<div class="field"><label for="${scope}-${name}">${label}</label><select id="${scope}-${name}" name="${name}">${choices.map(
    ({ value, label: text = value }) =>
      html`<option value="${value}"${value === chosen ? html` selected` : ''}>${shown(text, 120)}</option>`,
  )}</select></div>`;

export const submit = (label: string, kind: 'primary' | 'danger' | '' = 'primary'): Html =>
  html`<div class="field"><button class="${kind}">${label}</button></div>`;

/** A query of the values that are present, with its `?`; empty without any. */
export function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).filter((pair): pair is [string, string] => !!pair[1]);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** A link to the next page of a list that has one. */
export function nextPage(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  more: boolean,
): Html | undefined {
  if (!more) return undefined;
  return html`<p class="pages"><a href="${path}${queryOf(query)}">Next page</a></p>`;
}

export const facts = (entries: readonly (readonly [string, HtmlValue])[]): Html =>
  html`<dl class="facts">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
