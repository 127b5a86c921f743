/** The pages: plain HTML that needs no script (AS-93), every value escaped, no framing and no referrer (AS-N07). */
import { escapeHtml } from '../http/html.ts';
import type { InteractionView } from './interactions.ts';
import { describeRequest } from './plain-words.ts';

const STYLE = `body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}
button{font:inherit;padding:.5rem 1.5rem;margin-right:1rem}`;

const layout = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;

/**
 * Headers of every page. `formTargets` are the URLs that the form leads to, redirects included: browsers hold
 * `form-action` against those as well.
 */
export function pageHeaders(formTargets: readonly string[] = []): Record<string, string> {
  const sources = new Set(formTargets.map(toSource));
  const formAction = sources.size === 0 ? "'none'" : ["'self'", ...sources].join(' ');
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      `default-src 'none'; style-src 'unsafe-inline'; form-action ${formAction}; ` +
      "frame-ancestors 'none'; base-uri 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
}

/** A CSP source: the origin, or the scheme of an app's own URI. */
function toSource(url: string): string {
  const { protocol, origin } = new URL(url);
  return /^https?:$/.test(protocol) ? origin : protocol;
}

/** What scripts look for: the `aria-label` of each button. */
export interface ButtonLabels {
  readonly accept?: string;
  readonly deny?: string;
}

/** Asks for a decision; the form goes back to the page's own path. */
export function consentPage(view: InteractionView, csrf: string, labels: ButtonLabels = {}): string {
  const { accept = 'accept', deny = 'deny' } = labels;
  const hidden = (name: string, value: string): string =>
    `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;
  return layout(
    `${view.clientName} asks for access`,
    `<p>It identifies itself as ${escapeHtml(view.clientUri)} and would like to:</p>
<ul>
${describeRequest(view)
  .map((sentence) => `<li>${escapeHtml(sentence)}</li>`)
  .join('\n')}
</ul>
<form method="post" action="consent">
${hidden('interactId', view.interactionId)}
${hidden('nonce', view.nonce)}
${hidden('csrf', csrf)}
<button name="decision" value="accept" aria-label="${escapeHtml(accept)}">Accept</button>
<button name="decision" value="reject" aria-label="${escapeHtml(deny)}">Deny</button>
</form>`,
  );
}

export const messagePage = (title: string, sentence: string): string => layout(title, `<p>${escapeHtml(sentence)}</p>`);
