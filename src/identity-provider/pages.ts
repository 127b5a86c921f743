/** The pages of the identity provider: plain HTML that works without scripts (AS-93). */
import { type Html, html } from '../html/html.ts';
import { renderPage } from '../html/layout.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { InteractionView } from '../open-payments/interaction.ts';
import { amountField, type ParsedAmounts, requestedAmount } from './allowed-amounts.ts';
import { describeRight, formatAmount, formatValue } from './describe-access.ts';

/** Labels that test scripts look for: the `aria-label` and text of each button. */
export interface ButtonLabels {
  readonly accept?: string;
  readonly deny?: string;
}

/** Values that all pages of an interaction need. */
export interface PageFrame {
  readonly interactId: string;
  readonly nonce: string;
  /** Value of the double-submit cookie. */
  readonly csrf: string;
  /** Name of the identity provider. */
  readonly provider: string;
}

type Fields = Readonly<Record<string, string | undefined>>;

export interface ConsentPage extends PageFrame {
  readonly view: InteractionView;
  readonly labels?: ButtonLabels | undefined;
  /** The account that is signed in. */
  readonly account?: string | undefined;
  /** Submitted values and the mistakes in them. */
  readonly fields?: Fields;
  readonly mistakes?: ParsedAmounts['mistakes'];
}

const capitalise = (label: string): string => label.charAt(0).toUpperCase() + label.slice(1);

const hiddenFields = ({ interactId, nonce, csrf }: PageFrame): Html[] =>
  Object.entries({ interactId, nonce, csrf }).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );

const button = (value: string, label: string): Html =>
  html`<button name="decision" value="${value}" aria-label="${label}">${capitalise(label)}</button>`;

const row = (term: string, detail: Html | string): Html => html`<div><dt>${term}</dt><dd>${detail}</dd></div>`;

const listOf = ([only, ...more]: readonly string[]): Html | string =>
  more.length === 0
    ? capitalise(only!)
    : html`<ul>${[only!, ...more].map((text) => html`<li>${capitalise(text)}</li>`)}</ul>`;

const isFirst = (mistakes: ReadonlyMap<string, string>, name: string): boolean => mistakes.keys().next().value === name;

/** The field in which the holder can allow less than the requested amount. */
function amountInput(item: AccessItem, index: number, fields: Fields, mistakes: ReadonlyMap<string, string>) {
  const requested = requestedAmount(item);
  if (!requested) return undefined;
  const name = amountField(index);
  const mistake = mistakes.get(name);
  const autofocus = isFirst(mistakes, name) ? html` autofocus` : '';
  const invalid = mistake === undefined ? '' : html` aria-invalid="true"${autofocus}`;
  const describedBy = `${mistake === undefined ? '' : `${name}-mistake `}${name}-hint`;
  return html`<div class="field">
<label for="${name}">Allow less</label>
<div class="unit">
<input id="${name}" name="${name}" value="${fields[name] ?? ''}" inputmode="decimal" autocomplete="off" \
maxlength="300" aria-describedby="${describedBy}"${invalid}>
<span>${requested.assetCode}</span>
</div>
${mistake === undefined ? '' : html`<p class="error" id="${name}-mistake">${mistake}</p>`}
<p class="hint" id="${name}-hint">An amount below ${formatValue(requested)}. \
Leave it empty to allow ${formatAmount(requested)}.</p>
</div>`;
}

function rightCard(item: AccessItem, index: number, fields: Fields, mistakes: ReadonlyMap<string, string>): Html {
  const { title, limit, facts, also } = describeRight(item);
  const rows = facts.map(([term, detail]) => row(term, detail));
  if (also.length > 0) rows.push(row(limit ? 'It may also' : 'It may', listOf(also)));
  return html`<section>
<h2>${title}</h2>
${limit && html`<p class="amount">${limit.before}<strong>${limit.amount}</strong>${limit.after}</p>`}
<dl>
${rows}
</dl>
${limit && amountInput(item, index, fields, mistakes)}
</section>`;
}

const subjectCard = (ids: readonly string[]): Html => html`<section>
<h2>Know who you are</h2>
<dl>
${ids.map((id) => row('It learns that', `${id} is yours`))}
</dl>
</section>`;

const mistakesSummary = (mistakes: ReadonlyMap<string, string>): Html[] =>
  [...mistakes].map(([name, mistake]) => html`<p class="alert" role="alert"><a href="#${name}">${mistake}</a></p>`);

const signedIn = (page: PageFrame, account: string): Html => html`<form method="post" action="sign-out" class="note">
${hiddenFields(page)}
<p>Signed in as <strong>${account}</strong></p>
<button class="plain">Use another account</button>
</form>`;

/** Asks for a decision. The form posts to the page's path. */
export function consentPage(page: ConsentPage): string {
  const { view, labels = {}, account, fields = {}, mistakes = new Map<string, string>(), provider } = page;
  const { accept = 'accept', deny = 'deny' } = labels;
  const cards = view.access.map((item, index) => rightCard(item, index, fields, mistakes));
  if (view.subject) cards.push(subjectCard(view.subject.sub_ids.map(({ id }) => id)));
  return renderPage({
    title: `${view.clientName} asks for access`,
    provider,
    content: html`<p class="soft">It identifies itself as ${view.clientUri} and would like to be allowed:</p>
${account === undefined ? '' : signedIn(page, account)}
${mistakesSummary(mistakes)}
<form method="post" action="consent">
${hiddenFields(page)}
${cards}
<p class="actions">
${button('accept', accept)}
${button('reject', deny)}
</p>
</form>`,
    footer: html`<p>It learns no passphrase, and gets no other access. Nothing is allowed until you decide.</p>`,
  });
}

export interface SignInPage extends PageFrame {
  readonly clientName: string;
  readonly account?: string;
  readonly mistake?: string;
}

/** Shown before anything about the request is revealed. */
export function signInPage(page: SignInPage): string {
  const { clientName, account = '', mistake, provider } = page;
  const invalid = mistake === undefined ? '' : html` aria-invalid="true" aria-describedby="mistake"`;
  const autofocus = html` autofocus`;
  const [first, second] = account === '' ? [autofocus, ''] : ['', autofocus];
  return renderPage({
    title: 'Sign in',
    provider,
    content: html`<p class="soft">${clientName} asks for access to your account. Sign in to see what it asks for.</p>
${mistake === undefined ? '' : html`<p class="alert" role="alert" id="mistake">${mistake}</p>`}
<form method="post" action="sign-in">
${hiddenFields(page)}
<div class="field">
<label for="account">Account</label>
<input id="account" name="account" value="${account}" autocomplete="username" autocapitalize="none" \
spellcheck="false" maxlength="200" required${invalid}${first}>
</div>
<div class="field">
<label for="passphrase">Passphrase</label>
<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" maxlength="200" \
required${invalid}${second}>
</div>
<p class="actions"><button class="primary">Sign in</button></p>
</form>`,
  });
}

/** For an account that does not hold the wallet addresses of the request. */
export const foreignHolderPage = (page: PageFrame, account: string): string =>
  renderPage({
    title: 'Not your account',
    provider: page.provider,
    content: html`<p>This request is for a wallet address of another account.</p>\n${signedIn(page, account)}`,
  });

/** For a request that has been decided or has expired; `returnUrl` leads back to the client. */
export const closedPage = (provider: string, returnUrl: string | undefined): string =>
  renderPage({
    title: 'Request closed',
    provider,
    content: html`<p>This request for access has already been decided, or it has expired.</p>${
      returnUrl && html`\n<p class="actions"><a class="button" href="${returnUrl}">Back to the application</a></p>`
    }`,
  });
