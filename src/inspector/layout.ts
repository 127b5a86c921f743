/** The frame of the inspector's pages and their headers. Style and script are files, so the policy allows no inline ones. */
import { ICON } from '../html/appearance.ts';
import { type Html, html } from '../html/html.ts';
import { time } from './pieces.ts';
import type { PageContent, PageContext } from './route.ts';

/** Path of the inspector on the control port. */
export const ROOT = '/inspector';

const sections = [
  ['requests', 'Requests'],
  ['flow', 'Flow'],
  ['pay', 'Pay'],
  ['wallets', 'Wallets'],
  ['grants', 'Grants'],
  ['payments', 'Payments'],
  ['ledger', 'Ledger'],
  ['events', 'Events'],
  ['catalogue', 'Replies'],
  ['controls', 'Controls'],
  ['report', 'Report'],
] as const;

export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'",
  // A form tells its own server its origin.
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};

interface Frame {
  readonly title: string;
  readonly content: Html;
  readonly header: Html;
  readonly every?: number | undefined;
  /** Path of the event stream. */
  readonly stream?: string;
  /** Leads to another page of the inspector at once. */
  readonly refresh?: string;
}

const renderFrame = ({ title, content, header, every, stream, refresh }: Frame): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh && html`<meta http-equiv="refresh" content="0; url=${refresh}">`}
<title>${title} – Touchstone</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${ROOT}/style.css">
<script src="${ROOT}/live.js" defer></script>
</head>
<body${every === undefined ? '' : html` data-every="${String(every)}" data-stream="${stream}"`}>
<a class="skip" href="#main">Skip to the content</a>
${header}
<main id="main" tabindex="-1">
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.text;

const bareHeader = html`<header><p class="brand">Touchstone inspector</p></header>`;

/** A page of a session. */
export function renderPage(
  { world, base, session }: Pick<PageContext, 'world' | 'base' | 'session'>,
  path: string,
  page: PageContent,
  notice?: string,
): string {
  const { mode, now } = world.controls.clock();
  const current = path.split('/')[1];
  const [, id = ''] = base.split('/worlds/');
  const worldName =
    id && html`<span>world ${id.slice(0, 8)}, <a href="${ROOT}/controls">back to the main world</a></span>`;
  const header = html`<header><div class="brand"><a href="${base}/requests">Touchstone</a>
<div class="state">${worldName}<span>clock ${mode} ${time(new Date(now).toISOString())}</span><span>consent ${world.controls.consent()}</span>
<form method="post" action="${ROOT}/sign-out"><input type="hidden" name="form" value="${session.formToken}"><button>Sign out</button></form></div></div></header>
<nav aria-label="Pages"><ul>${sections.map(
    ([name, label]) =>
      html`<li><a href="${base}/${name}"${name === current ? html` aria-current="page"` : ''}>${label}</a></li>`,
  )}</ul></nav>`;
  const content = html`${notice && html`<p class="notice" role="status">${notice}</p>`}
${page.content}`;
  return renderFrame({ ...page, content, header, stream: `${base}/live` });
}

/** The content of a page with one sentence, for an error. */
export const renderAlert = (title: string, sentence: string, back: string): PageContent => ({
  title,
  content: html`<p class="alert" role="alert">${sentence}</p><p><a href="${back}">Back</a></p>`,
});

/** A page for an error outside of a world. */
export const renderProblem = (title: string, sentence: string, back: string): string =>
  renderFrame({ ...renderAlert(title, sentence, back), header: bareHeader });

/** For requests without a session. */
export const renderSignIn = (reason: string): string =>
  renderFrame({
    title: 'Sign in',
    header: bareHeader,
    content: html`<section class="narrow"><p role="alert">${reason}</p>
<p>The link that <code>touchstone start</code> prints works once, within 15 minutes. Afterwards, the control token opens the inspector: the banner prints it, and the variable <code>TOUCHSTONE_CONTROL_TOKEN</code> has it.</p>
<form class="fields" method="post" action="${ROOT}/sign-in"><input name="username" value="operator" autocomplete="username" hidden><div class="field wide"><label for="token">Control token</label><input id="token" name="token" type="password" autocomplete="current-password" required></div>
<div class="field"><button class="primary">Sign in</button></div></form></section>`,
  });

/**
 * Leads to the first page. A redirect would not do: after a link on another site, the browser would follow it without
 * the cookie.
 */
export const renderSignedIn = (to: string): string =>
  renderFrame({
    title: 'Signed in',
    header: bareHeader,
    content: html`<p><a href="${to}">Go on to the inspector</a></p>`,
    refresh: to,
  });
