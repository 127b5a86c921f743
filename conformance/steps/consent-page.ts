/**
 * The owner at the consent page: opens an interaction, reads the form as a browser without JavaScript does, and
 * submits it.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CheckContext } from '../runner/check.ts';
import { expectGnapError, expectStatus } from './expect.ts';
import { CookieJar } from './interaction.ts';
import {
  amountOf,
  continueGrant,
  outgoingAccess,
  type PendingGrant,
  passWait,
  requestInteractiveGrant,
} from './scenarios.ts';
import type { Answer, Json } from './signed-client.ts';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const decode = (html: string): string => html.replaceAll(/&(#39|\w+);/g, (all, name: string) => ENTITIES[name] ?? all);

export const isPage = (answer: Answer): boolean => (answer.headers.get('content-type') ?? '').startsWith('text/html');

/** Visible text of a page, with single spaces. */
export const textOf = (page: string): string =>
  decode(page.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ')).replaceAll(/\s+/g, ' ');

const attribute = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : decode(value);
};

/** Fields of the form to this action, hidden ones filled in. */
export function fieldsOf(page: string, action: string): Record<string, string> {
  const form = page.split('<form ').find((part) => attribute(` ${part.split('>', 1)[0]}`, 'action') === action);
  assert.ok(form, `there is a form to ${action}`);
  const inputs = form.split('</form>', 1)[0]!.match(/<input\b[^>]*>/g) ?? [];
  return Object.fromEntries(inputs.map((tag) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? '']));
}

/** Buttons by their labels: name and value. */
export function buttonsOf(page: string): Map<string, readonly [name: string, value: string]> {
  const tags = page.match(/<button\b[^>]*>/g) ?? [];
  return new Map(
    tags.map((tag) => [
      attribute(tag, 'aria-label') ?? '',
      [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? ''],
    ]),
  );
}

/** One browser window with its cookies. */
export class ConsentBrowser {
  readonly #context: CheckContext;
  readonly jar = new CookieJar();
  /** Where the page that was shown last is. */
  url = '';

  constructor(context: CheckContext) {
    this.#context = context;
  }

  /** Opens the redirect of a grant and goes on to the page. */
  async open({ body }: PendingGrant): Promise<Answer> {
    const begun = await this.get(body.interact.redirect);
    return this.get(new URL(expectStatus(begun, 302).headers.get('location') ?? '', body.interact.redirect).href);
  }

  async get(url: string): Promise<Answer> {
    return this.#send({ url });
  }

  /** Sends a form of the page that was shown last, hidden fields included. */
  async submit(page: Answer, fields: Readonly<Record<string, string>>, action = 'consent'): Promise<Answer> {
    const raw = new URLSearchParams({ ...fieldsOf(page.text, action), ...fields }).toString();
    return this.#send({ url: new URL(action, this.url).href, method: 'POST', raw });
  }

  /** Clicks a button by its label. @returns the query of the client's finish URI where that is where it leads */
  async click(page: Answer, label: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const button = buttonsOf(page.text).get(label);
    assert.ok(button, `there is a button ${label}`);
    return this.submit(page, { ...fields, [button[0]]: button[1] });
  }

  /** Follows a decision to its end. @returns the query of the client's finish URI */
  async follow(decided: Answer): Promise<Record<string, string>> {
    const finish = new URL(expectStatus(decided, 303).headers.get('location') ?? '', this.url).href;
    const finished = expectStatus(await this.get(finish), 302);
    return Object.fromEntries(new URL(finished.headers.get('location') ?? '').searchParams);
  }

  async #send(request: { url: string; method?: string; raw?: string }): Promise<Answer> {
    const cookie = this.jar.header(request.url);
    const headers = cookie ? [['cookie', cookie] as const] : [];
    const type = request.raw === undefined ? {} : { contentType: 'application/x-www-form-urlencoded' };
    const answer = await this.#context.call({ ...request, ...type, headers, sign: false, accept: 'text/html' });
    this.jar.store(request.url, answer);
    this.url = request.url;
    return answer;
  }
}

/** A grant of at most `value` minor units in all, and its page. */
export async function openPage(
  context: CheckContext,
  { value = '1000', finish = true, owner = new ConsentBrowser(context) } = {},
) {
  const limits = { debitAmount: amountOf(context.sender, value) };
  const pending = await requestInteractiveGrant(context, [outgoingAccess(context.sender, limits)], finish);
  return { owner, pending, limits, page: expectStatus(await owner.open(pending), 200) };
}

export async function fetchToken(context: CheckContext, { body }: PendingGrant, reference?: string): Promise<Json> {
  await passWait(context, body);
  return expectStatus(await continueGrant(context, body, reference), 200).body.access_token;
}

/** Neither while nothing is decided (AS-116) nor when it was denied is there a reference that brings a token. */
export async function expectNothingIssued(context: CheckContext, { body }: PendingGrant): Promise<void> {
  await passWait(context, body);
  const answer = await continueGrant(context, body, randomUUID());
  if (answer.status === 401) expectGnapError(answer, 401, 'request_denied');
  else expectGnapError(answer, 404, 'invalid_continuation');
}
