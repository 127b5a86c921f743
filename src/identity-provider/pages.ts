/** The pages: plain HTML that needs no script (AS-93), every value escaped. */
import { escapeHtml } from '../html/html.ts';
import { renderPage } from '../html/layout.ts';
import type { AccessItem } from '../open-payments/access.ts';
import type { InteractionView } from '../open-payments/interaction.ts';
import { amountField, askedAmount, type ReadAmounts } from './allowed-amounts.ts';
import { describeRight, formatAmount, formatValue } from './describe-access.ts';

/** What scripts look for: the `aria-label` of each button, which it also shows. */
export interface ButtonLabels {
  readonly accept?: string;
  readonly deny?: string;
}

/** What all pages of an interaction have. */
export interface PageFrame {
  readonly interactId: string;
  readonly nonce: string;
  /** Proves that the form was shown here. */
  readonly csrf: string;
  /** Whose pages these are. */
  readonly provider: string;
}

export interface ConsentPage extends PageFrame {
  readonly view: InteractionView;
  readonly labels?: ButtonLabels | undefined;
  /** The account that is signed in. */
  readonly account?: string | undefined;
  /** What was filled in, and what is wrong with it. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  readonly mistakes?: ReadAmounts['mistakes'];
}

const hidden = ({ interactId, nonce, csrf }: PageFrame): string =>
  Object.entries({ interactId, nonce, csrf })
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`)
    .join('\n');

const capitalise = (label: string): string => label.charAt(0).toUpperCase() + label.slice(1);

/** Asks for a decision; the form goes back to the page's own path. */
export function consentPage(page: ConsentPage): string {
  const { view, labels = {}, account, fields = {}, mistakes = new Map<string, string>(), provider } = page;
  const { accept = 'accept', deny = 'deny' } = labels;
  const button = (value: string, label: string): string =>
    `<button name="decision" value="${value}" aria-label="${escapeHtml(label)}">${escapeHtml(capitalise(label))}</button>`;
  const cards = view.access.map((item, index) => rightCard(item, index, fields, mistakes));
  if (view.subject) cards.push(subjectCard(view.subject.sub_ids.map(({ id }) => id)));
  const content = `<p class="soft">It identifies itself as ${escapeHtml(view.clientUri)} and would like to be allowed:</p>
${account === undefined ? '' : signedIn(page, account)}
${mistakes.size === 0 ? '' : mistakesSummary(mistakes)}
<form method="post" action="consent">
${hidden(page)}
${cards.join('\n')}
<p class="actions">
${button('accept', accept)}
${button('reject', deny)}
</p>
</form>`;
  return renderPage({
    title: `${view.clientName} asks for access`,
    content,
    provider,
    footer: '<p>It learns no passphrase, and gets no access besides. Nothing is allowed until you decide.</p>',
  });
}

function rightCard(
  item: AccessItem,
  index: number,
  fields: Readonly<Record<string, string | undefined>>,
  mistakes: ReadonlyMap<string, string>,
): string {
  const { title, most, facts, also } = describeRight(item);
  const rows = facts.map(([term, detail]) => fact(term, escapeHtml(detail)));
  if (also.length > 0) rows.push(fact(most ? 'It may also' : 'It may', listOf(also)));
  return `<section>
<h2>${escapeHtml(title)}</h2>
${most ? `<p class="amount">${escapeHtml(most.before)}<strong>${escapeHtml(most.amount)}</strong>${escapeHtml(most.after)}</p>` : ''}
<dl>
${rows.join('\n')}
</dl>
${most ? lessField(item, index, fields, mistakes) : ''}
</section>`;
}

const fact = (term: string, html: string): string => `<div><dt>${escapeHtml(term)}</dt><dd>${html}</dd></div>`;

const listOf = ([only, ...more]: readonly string[]): string =>
  more.length === 0
    ? escapeHtml(capitalise(only!))
    : `<ul>${[only!, ...more].map((text) => `<li>${escapeHtml(capitalise(text))}</li>`).join('')}</ul>`;

/** To allow less than the amount that is asked for. */
function lessField(
  item: AccessItem,
  index: number,
  fields: Readonly<Record<string, string | undefined>>,
  mistakes: ReadonlyMap<string, string>,
): string {
  const asked = askedAmount(item);
  if (!asked) return '';
  const name = amountField(index);
  const mistake = mistakes.get(name);
  const wrong = mistake === undefined ? '' : ` aria-invalid="true"${isFirst(mistakes, name) ? ' autofocus' : ''}`;
  const describedBy = `${mistake === undefined ? '' : `${name}-mistake `}${name}-hint`;
  return `<div class="field">
<label for="${name}">Allow less</label>
<div class="unit">
<input id="${name}" name="${name}" value="${escapeHtml(fields[name] ?? '')}" inputmode="decimal" autocomplete="off" \
maxlength="300" aria-describedby="${describedBy}"${wrong}>
<span>${escapeHtml(asked.assetCode)}</span>
</div>
${mistake === undefined ? '' : `<p class="error" id="${name}-mistake">${escapeHtml(mistake)}</p>`}
<p class="hint" id="${name}-hint">An amount below ${escapeHtml(formatValue(asked))}. \
Leave it empty to allow ${escapeHtml(formatAmount(asked))}.</p>
</div>`;
}

const isFirst = (mistakes: ReadonlyMap<string, string>, name: string): boolean => mistakes.keys().next().value === name;

const subjectCard = (ids: readonly string[]): string => `<section>
<h2>Know who you are</h2>
<dl>
${ids.map((id) => fact('It learns that', `${escapeHtml(id)} is yours`)).join('\n')}
</dl>
</section>`;

const mistakesSummary = (mistakes: ReadonlyMap<string, string>): string =>
  [...mistakes]
    .map(([name, mistake]) => `<p class="alert" role="alert"><a href="#${name}">${escapeHtml(mistake)}</a></p>`)
    .join('\n');

const signedIn = (page: PageFrame, account: string): string => `<form method="post" action="sign-out" class="note">
${hidden(page)}
<p>Signed in as <strong>${escapeHtml(account)}</strong></p>
<button class="plain">Use another account</button>
</form>`;

export interface SignInPage extends PageFrame {
  readonly clientName: string;
  readonly account?: string;
  readonly mistake?: string;
}

/** Before anything is told of the request. */
export function signInPage(page: SignInPage): string {
  const { clientName, account = '', mistake, provider } = page;
  const wrong = mistake === undefined ? '' : ' aria-invalid="true" aria-describedby="mistake"';
  const [first, second] = account === '' ? [' autofocus', ''] : ['', ' autofocus'];
  return renderPage({
    title: 'Sign in',
    provider,
    content: `<p class="soft">${escapeHtml(clientName)} asks for access to your account. Sign in to see what it asks for.</p>
${mistake === undefined ? '' : `<p class="alert" role="alert" id="mistake">${escapeHtml(mistake)}</p>`}
<form method="post" action="sign-in">
${hidden(page)}
<div class="field">
<label for="account">Account</label>
<input id="account" name="account" value="${escapeHtml(account)}" autocomplete="username" autocapitalize="none" \
spellcheck="false" maxlength="200" required${wrong}${first}>
</div>
<div class="field">
<label for="passphrase">Passphrase</label>
<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" maxlength="200" \
required${wrong}${second}>
</div>
<p class="actions"><button class="primary">Sign in</button></p>
</form>`,
  });
}

/** For an account that the request does not concern. */
export const foreignHolderPage = (page: PageFrame, account: string): string =>
  renderPage({
    title: 'Not yours',
    provider: page.provider,
    content: `<p>This request is about a wallet address of somebody else.</p>\n${signedIn(page, account)}`,
  });

/** For a request that was decided before, or has expired; `way` leads back to the client. */
export const closedPage = (provider: string, way: string | undefined): string =>
  renderPage({
    title: 'Not open any more',
    provider,
    content: `<p>This request for access was decided before, or it has expired.</p>${
      way === undefined
        ? ''
        : `\n<p class="actions"><a class="button" href="${escapeHtml(way)}">Back to the application</a></p>`
    }`,
  });
