/**
 * The layout of every page: one style sheet for light and dark mode, no script, and headers that keep the page out of
 * other sites' frames, referrers and caches (AS-N07; CSP Level 3 §6.1, §6.3).
 */
import { ICON, PALETTE, styleSourceOf } from './appearance.ts';
import { type Html, html, rawHtml } from './html.ts';

const STYLE = `
${PALETTE}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Liberation Sans",Arial,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:40rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;align-items:center;gap:.6rem;padding:1.5rem 1.75rem 1rem}
header::before{content:"";width:1.6rem;height:1.6rem;border-radius:.45rem;background:linear-gradient(135deg,var(--accent) 50%,
var(--edge) 50%)}
header p{margin:0;font-weight:650;letter-spacing:.01em;text-transform:capitalize}
main{background:var(--paper);border:1px solid var(--line);border-radius:1rem;padding:1.75rem}
footer{color:var(--soft);font-size:.875rem;padding:1rem 1.75rem 2rem}
footer p{margin:0 0 .5rem}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .5rem;letter-spacing:-.01em}
h2{font-size:1.05rem;margin:0 0 .4rem}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
section{border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.25rem;margin:1rem 0}
.amount{font-size:1.2rem;line-height:1.4;margin:0 0 .75rem;text-wrap:balance}
.amount strong{font-size:1.5rem;font-weight:680;font-variant-numeric:tabular-nums}
dl{margin:0}
dl div{display:grid;grid-template-columns:10.5rem 1fr;gap:.1rem 1rem;padding:.4rem 0;border-top:1px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0}
ul{margin:.25rem 0 0;padding-left:1.2rem}
.field{margin-top:.9rem;padding-top:.9rem;border-top:1px solid var(--line)}
form>.field{border-top:0;padding-top:0}
label{display:block;font-weight:600;margin-bottom:.3rem}
input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--edge);border-radius:.5rem;
padding:.6rem .75rem;width:100%}
.unit{display:flex;align-items:center;gap:.6rem}
.unit input{width:11rem;text-align:right;font-variant-numeric:tabular-nums}
.hint{color:var(--soft);font-size:.9rem;margin:.35rem 0 0}
.error{color:var(--bad);font-weight:600;margin:.35rem 0 0}
input[aria-invalid]{border-color:var(--bad);border-width:2px}
.alert{background:var(--bad-tint);color:var(--bad);border-radius:.6rem;padding:.75rem 1rem;font-weight:600;
margin:1rem 0}
.alert a{color:inherit}
.note{background:var(--tint);border-radius:.6rem;padding:.75rem 1rem;margin:1rem 0;display:flex;flex-wrap:wrap;
gap:.25rem 1rem;align-items:center;justify-content:space-between}
.note p{margin:0}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}
button,.button{font:inherit;font-weight:650;border-radius:.6rem;padding:.75rem 1.75rem;min-height:3rem;cursor:pointer;
border:1px solid var(--edge);background:transparent;color:var(--ink);text-decoration:none;text-align:center}
button.primary,button[value=accept]{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
button.plain{padding:.25rem 0;min-height:2rem;border-color:transparent;color:var(--accent);text-decoration:underline;
font-weight:500}
button:hover,.button:hover{filter:brightness(1.08)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media(max-width:32rem){header,footer{padding-left:1.25rem;padding-right:1.25rem}
main{border-width:1px 0;border-radius:0;padding:1.5rem 1.25rem}
dl div{grid-template-columns:1fr}.actions{flex-direction:column}.actions button,.actions .button{width:100%}}
@media print{body{background:none}.actions{display:none}}
`;

const styleSource = styleSourceOf(STYLE);

export interface Page {
  /** Text of the heading; the window title adds `provider`. */
  readonly title: string;
  readonly content: Html;
  /** Name of the identity provider or service that shows the page. */
  readonly provider?: string | undefined;
  /** Shown below the main part. */
  readonly footer?: Html;
}

/** A complete document. Its referrer policy, unlike that of the header, lets a form tell its own server its origin. */
export function renderPage({ title, content, provider, footer }: Page): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>${provider === undefined ? title : `${title} – ${provider}`}</title>
<link rel="icon" href="${ICON}">
<style>${rawHtml(STYLE)}</style>
</head>
<body>
<header>${provider === undefined ? '' : html`<p>${provider}</p>`}</header>
<main>
<h1>${title}</h1>
${content}
</main>
${footer && html`<footer>${footer}</footer>`}
</body>
</html>
`;
  return page.text;
}

/** A page with a single sentence. */
export const renderMessage = (title: string, sentence: string, provider?: string): string =>
  renderPage({ title, content: html`<p>${sentence}</p>`, provider });

/**
 * Where the forms of a page lead: nowhere, to a page of the same origin, or in the end to another site. Browsers apply
 * `form-action` to every redirect that follows a form, also to those of the other site, so that there it cannot be used.
 */
export type FormTarget = 'none' | 'self' | 'elsewhere';

/** Headers of every page. */
export function pageHeaders(formTarget: FormTarget = 'none'): Record<string, string> {
  const formAction = formTarget === 'elsewhere' ? '' : `form-action '${formTarget}'; `;
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      `default-src 'none'; style-src ${styleSource}; img-src data:; ${formAction}` +
      "frame-ancestors 'none'; base-uri 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
}
