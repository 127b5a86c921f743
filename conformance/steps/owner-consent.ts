/**
 * Ways to an owner's consent: redirects alone, a command, an HTTP hook, a page in a browser, or the back channel of an
 * identity provider.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { NotApplicable } from '../runner/capability.ts';
import type { CheckContext } from '../runner/check.ts';
import { consentInBrowser } from './browser-consent.ts';
import { exchange } from './http-exchange.ts';
import { CookieJar, finishUri, type Walk, walkInteraction } from './interaction.ts';

const CONSENT_MS = 60_000;

/**
 * From `interact.redirect` to the end of the interaction, with the consent of the owner. A command, a hook and a browser
 * do not say which answers they received.
 */
export async function giveConsent(context: CheckContext, redirect: string): Promise<Walk> {
  const { consent } = context.target;
  switch (consent.kind) {
    case 'automatic': {
      const walk = await walkInteraction(context.call, redirect);
      // A page for a person is right, but nothing here can use it. A Touchstone has been told to consent by itself.
      const isPage = walk.finish === undefined && walk.answers.at(-1)?.status === 200;
      if (isPage && !context.control.available) throw new NotApplicable('automatic-consent');
      return walk;
    }
    case 'command':
      return { answers: [], finish: parseFinish(await runConsentCommand(consent.command, redirect)) };
    case 'hook': {
      const body = Buffer.from(JSON.stringify({ interaction: redirect, finish: finishUri }));
      const sent = { method: 'POST', url: consent.url, headers: [['content-type', 'application/json']] as const, body };
      const { status, text } = await exchange(sent, { silenceMs: CONSENT_MS, wholeMs: CONSENT_MS });
      if (status !== 200) throw new Error(`the consent hook answered ${status}`);
      return { answers: [], finish: parseFinish(JSON.parse(text).location) };
    }
    case 'browser':
      return { answers: [], finish: await consentInBrowser(redirect, consent.steps) };
    case 'back-channel':
      return acceptOverBackChannel(context, redirect);
  }
}

/** The command finds the URL in `TOUCHSTONE_INTERACTION` and prints where the browser ended. */
async function runConsentCommand(command: string, redirect: string): Promise<string> {
  const env = { ...process.env, TOUCHSTONE_INTERACTION: redirect, TOUCHSTONE_FINISH: finishUri };
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { env, timeout: CONSENT_MS });
  return stdout.trim().split('\n').at(-1) ?? '';
}

function parseFinish(location: unknown): URL | undefined {
  return typeof location === 'string' && location.startsWith(finishUri) ? new URL(location) : undefined;
}

/** The API that Rafiki and Touchstone offer to identity providers: the page is skipped, and the grant is accepted. */
async function acceptOverBackChannel(context: CheckContext, redirect: string): Promise<Walk> {
  const { backChannel } = context.target;
  if (!backChannel) throw new NotApplicable('back-channel');
  const [, start, id, nonce] = /^(.*)\/interact\/([^/?]+)\/([^/?]+)/.exec(redirect) ?? [];
  if (start === undefined) throw new Error('interact.redirect does not have the form …/interact/{id}/{nonce}');
  const jar = new CookieJar();
  await walkInteraction(context.call, redirect, jar);
  const accepted = await context.call({
    ...{ operation: null, method: 'POST', url: `${backChannel.url}/grant/${id}/${nonce}/accept`, sign: false },
    headers: [['x-idp-secret', backChannel.secret]],
  });
  // The back channel belongs to the ASE of the sender and does not know interactions of the other one.
  if (accepted.status === 404) throw new NotApplicable('automatic-consent');
  if (![200, 202, 204].includes(accepted.status)) throw new Error(`the back channel answered ${accepted.status}`);
  return walkInteraction(context.call, `${start}/interact/${id}/${nonce}/finish`, jar);
}
