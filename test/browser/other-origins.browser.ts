/**
 * The person's browser among other sites in Chromium: callbacks that lead on, forged forms from another port, a sibling
 * domain and a foreign site, a second browser with the same link, and a rebound host (AS-84, AS-85, AS-90, AS-N07).
 */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { createSecureContext, getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { createAuthority, issueCertificate } from '../../src/net/x509.ts';
import { defaultWorld } from '../../src/world/definition/definition.ts';
import { findFreePort } from '../support/free-port.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { type AskedGrant, askForGrant, launchBrowser, type SiteOptions, startSite } from './support/browser.ts';

const authority = createAuthority(Date.now());
const certify = (hosts: readonly string[]) => issueCertificate(authority, hosts, Date.now());

/** All names below `.test` are this machine, for this process as for the browser. */
function resolveTestNames(): void {
  const { lookup } = dns;
  const resolve = (host: string, ...rest: [never, never]) =>
    lookup(host.endsWith('.test') ? '127.0.0.1' : host, ...rest);
  dns.lookup = resolve as typeof lookup;
  syncBuiltinESMExports();
}

/** A world whose first ASE is at ase.example.test: over http, or over https with sign-in and pages at another site. */
async function startNamedWorld(scheme: 'http' | 'https'): Promise<TestWorld> {
  const port = await findFreePort(100);
  const [granite, ...others] = defaultWorld.ases;
  const identityProvider = { url: `https://login.bank.test:${port}/idp` };
  const trust = createSecureContext({ ca: authority.cert });
  return startWorld({
    port,
    publicUrl: `${scheme}://ase.example.test:${port}`,
    consent: 'manual',
    insecure: true,
    ...(scheme === 'https' && {
      definition: { ...defaultWorld, ases: [{ ...granite!, servers: { identityProvider } }, ...others] },
      signIn: true,
      tls: { credentialsFor: certify, findCredentials: certify, trust },
    }),
  });
}

let browser: Browser;
/** Without sign-in, over http. */
let open: TestWorld;
/** With sign-in, over https; the pages are at login.bank.test. */
let bank: TestWorld;
let client: Awaited<ReturnType<typeof startSite>>;
const sites: Awaited<ReturnType<typeof startSite>>[] = [];
const contexts: BrowserContext[] = [];

before(async () => {
  resolveTestNames();
  setDefaultCACertificates([...getCACertificates(), authority.cert]);
  [browser, open, bank, client] = await Promise.all([
    launchBrowser(),
    startNamedWorld('http'),
    startNamedWorld('https'),
    site(),
  ]);
});
after(async () => {
  await browser.close();
  await Promise.all([open.close(), bank.close()]);
  for (const { close } of sites) close();
});

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

async function site(options?: SiteOptions) {
  const started = await startSite(options);
  sites.push(started);
  return started;
}

async function openBrowser(): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  contexts.push(context);
  return context.newPage();
}

const ask = (world: TestWorld, finish = `${client.origin}/finish`): Promise<AskedGrant> => {
  const identifier = world.env['TOUCHSTONE_WALLET_ADDRESS'];
  return askForGrant(world, [{ type: 'outgoing-payment', actions: ['create'], identifier }], finish);
};

const button = (page: Page, label: string) => page.locator(`button[aria-label="${label}"]`);
const heading = (page: Page): Promise<string> => page.locator('h1').innerText();

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Account').fill('alice');
  await page.getByLabel('Passphrase').fill(bank.passphrases.find(({ account }) => account === '/alice')!.passphrase);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await button(page, 'accept').waitFor();
}

/** Id, nonce and consent page of an interaction. */
function partsOf(world: TestWorld, { redirect }: AskedGrant) {
  const [, interactId, nonce] = /\/interact\/([^/?]+)\/([^/?]+)/.exec(redirect) as unknown as [string, string, string];
  const { origin } = world.ases[0]!;
  const page = `${world === bank ? origin.replace('ase.example', 'login.bank') : origin}/idp/consent`;
  return { interactId, nonce, page, consent: `${page}?${new URLSearchParams({ interactId, nonce })}` };
}

/** Clicks, and waits for the URL that begins like this; apps are asked for, but nothing answers. */
async function clickAndArrive(page: Page, label: string, end: string): Promise<URL> {
  if (/^https?:/.test(end)) {
    await button(page, label).click();
    await page.waitForURL(({ href }) => href.startsWith(end));
    return new URL(page.url());
  }
  const asked = page.waitForRequest((request) => request.url().startsWith(end));
  await button(page, label).click({ noWaitAfter: true });
  return new URL((await asked).url());
}

/** Finish URI of a client that leads on to another URL, and that URL. */
async function leadsOnTo(end: string, options: SiteOptions = {}): Promise<string[]> {
  const { origin } = await site({
    ...options,
    respond: (req, res) => res.writeHead(302, { location: end + new URL(req.url!, 'http://client').search }).end(),
  });
  return [origin, end];
}

const shop = (): SiteOptions => ({ host: 'shop.test', tls: certify(['shop.test']) });
const app = 'com.example.app:/done';
const odd = "/a;script-src%20*,'unsafe-inline'/%3B%2C%0A?q=;form-action%20'none',%20x";

const cases: readonly [name: string, label: string, worldOf: () => TestWorld, prepare: () => Promise<string[]>][] = [
  ['leads on to a third origin', 'accept', () => open, () => leadsOnTo(`${client.origin}/end`)],
  ['leads on to a third origin', 'deny', () => open, () => leadsOnTo(`${client.origin}/end`)],
  ['is at an IPv6 address', 'accept', () => open, async () => [(await site({ address: '::1' })).origin]],
  ['has the separators of policies', 'accept', () => open, async () => [new URL(client.origin + odd).href]],
  ['is in an app', 'accept', () => open, async () => [app]],
  ['leads on into an app', 'deny', () => open, () => leadsOnTo(app)],
  ['leads on from https to http', 'accept', () => bank, () => leadsOnTo(`${client.origin}/end`, shop())],
  ['leads on from https into an app', 'accept', () => bank, () => leadsOnTo(app, shop())],
];
for (const [name, label, worldOf, prepare] of cases) {
  test(`a callback that ${name}: the person arrives after ${label}`, async () => {
    const world = worldOf();
    const [finish, end = finish] = await prepare();
    const grant = await ask(world, finish);
    const page = await openBrowser();
    await page.goto(grant.redirect);
    if (world === bank) await signIn(page);
    const { searchParams } = await clickAndArrive(page, label, end!);
    if (label === 'deny') return assert.equal(searchParams.get('result'), 'grant_rejected');
    const { status, text } = await grant.proceed(searchParams.get('interact_ref')!);
    assert.equal(status, 200, text);
  });
}

// ── Forged forms ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Statements for a page of an attacker: everything that such a page can do to the consent page. */
const attack = (page: string, consent: string, cookies: readonly string[], body: string): string => `(async () => {
  for (const cookie of ${JSON.stringify(cookies)}) document.cookie = cookie;
  const [page, consent, body] = ${JSON.stringify([page, consent, body])};
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  await fetch(page, { method: 'POST', mode: 'no-cors', credentials: 'include', headers, body });
  const read = await fetch(consent, { credentials: 'include' }).then((response) => response.text(), () => 'refused');
  const form = document.body.appendChild(document.createElement('form'));
  Object.assign(form, { method: 'post', action: page });
  for (const [name, value] of new URLSearchParams(body)) {
    form.append(Object.assign(document.createElement('input'), { name, value }));
  }
  const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), { name: 'target' }));
  form.target = 'target';
  form.submit();
  await new Promise((resolve) => frame.addEventListener('load', resolve));
  form.target = '_self';
  form.submit();
  return read;
})()`;

for (const [name, worldOf, scheme, host] of [
  ['another port', () => open, 'http', 'ase.example.test'],
  ['a sibling domain', () => open, 'http', 'evil.example.test'],
  ['a sibling domain over https', () => bank, 'https', 'evil.bank.test'],
  ['the same host over http', () => bank, 'http', 'login.bank.test'],
] as const) {
  test(`a page of ${name} decides and reads nothing`, async () => {
    const world = worldOf();
    const grant = await ask(world);
    const { interactId, nonce, page: url, consent } = partsOf(world, grant);
    const evil = await site({ host, ...(scheme === 'https' && { tls: certify([host]) }) });
    const person = await openBrowser();
    await person.goto(grant.redirect);
    if (world === bank) await signIn(person);
    // Without sign-in the form of the attacker's browser, whose cookie is planted; else that of the person, leaked.
    const attacker = world === bank ? person : await openBrowser();
    if (attacker !== person) await attacker.goto(grant.redirect);
    // A longer path comes first.
    const planted = (await attacker.context().cookies(url)).flatMap(({ name, value }) =>
      ['', `; domain=${host.replace(/^\w+\./, '')}`].map((domain) => `${name}=${value}; path=/idp/consent${domain}`),
    );
    const csrf = await attacker.locator('form[action=consent] input[name=csrf]').inputValue();
    const body = new URLSearchParams({ interactId, nonce, csrf, decision: 'accept' }).toString();

    const window = await person.context().newPage();
    const statuses: number[] = [];
    window.on('response', (response) => {
      if (response.request().method() === 'POST') statuses.push(response.status());
    });
    await window.goto(evil.origin);
    assert.equal(await window.evaluate(attack(url, consent, planted, body)), 'refused');
    await window.waitForURL(url);
    assert.equal(await heading(window), 'Wrong browser');
    assert.deepEqual(statuses, [403, 403, 403]);
    await person.reload();
    await clickAndArrive(person, 'accept', client.origin);
  });
}

test('a rebound host shows no page, decides nothing, and has no control', async () => {
  const grant = await ask(open);
  const { interactId, nonce, page: url, consent } = partsOf(open, grant);
  const person = await openBrowser();
  await person.goto(grant.redirect);
  const csrf = await person.locator('input[name=csrf]').inputValue();
  const body = new URLSearchParams({ interactId, nonce, csrf, decision: 'accept' }).toString();
  const evil = `http://evil.test:${new URL(url).port}`;
  const interaction = new URL(grant.redirect).pathname;
  const rebind = async (url: string) => {
    const window = await person.context().newPage();
    // Any answer of this host will do: it belongs to the attacker's origin.
    await window.goto(url);
    return (path: string, init: object = {}): Promise<[number, string]> =>
      window.evaluate(
        `fetch(${JSON.stringify(path)}, ${JSON.stringify(init)}).then(async (got) => [got.status, await got.text()])`,
      );
  };
  const call = await rebind(`${evil}/livez`);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };
  for (const [path, init] of [
    [consent.slice(new URL(url).origin.length), {}],
    ['/idp/consent', { method: 'POST', headers, body }],
    ['/idp/sign-in', { method: 'POST', headers, body }],
    ['/idp/unknown', {}],
    [interaction, { headers: { accept: 'text/html' } }],
    [`${interaction}/finish`, { headers: { accept: 'text/html' } }],
  ] as const) {
    const [status, text] = await call(path, init);
    assert.equal(status, 421, path);
    assert.doesNotMatch(text, /<form|csrf/);
  }
  const authorization = `Bearer ${open.controlToken}`;
  const control = await rebind(open.controlUrl.replace(/\/\/[^:]+/, '//evil.test'));
  for (const [path, method] of [
    ['/exchanges', 'GET'],
    ['/reset', 'POST'],
    ['/metrics', 'GET'],
  ] as const) {
    const [status] = await control(path, { method, headers: { authorization } });
    assert.ok(status === 403 || status === 401, `${path} ${status}`);
  }
  // From the page of a site the control API is out of reach even with its token.
  await person.goto(client.origin);
  const init = JSON.stringify({ method: 'POST', headers: { authorization } });
  const reset = `fetch(${JSON.stringify(`${open.controlUrl}/reset`)}, ${init}).then(() => 'reached', () => 'refused')`;
  assert.equal(await person.evaluate(reset), 'refused');
  await person.goto(grant.redirect);
  await clickAndArrive(person, 'accept', client.origin);
});

// ── Several browsers, windows and clicks ────────────────────────────────────────────────────────────────────────────

/** Sends a form as the browser does, without its answer. */
async function deliver(request: Request): Promise<void> {
  const { host: _, 'content-length': __, ...headers } = await request.allHeaders();
  const sent = await fetch(request.url(), { method: 'POST', headers, body: request.postData()!, redirect: 'manual' });
  assert.equal(sent.status, 303);
}

/** Accepts, but the answer does not arrive, as when a second click replaces the first. The page stays. */
async function loseAnswer(page: Page): Promise<void> {
  await page.route(
    '**/idp/consent',
    async (route) => {
      await deliver(route.request());
      await route.abort('aborted');
    },
    { times: 1 },
  );
  const lost = page.waitForEvent('requestfailed');
  await button(page, 'accept').click({ noWaitAfter: true });
  await lost;
}

for (const order of ['before', 'after']) {
  test(`another browser that opens the link ${order} the holder cannot finish what the holder accepts`, async () => {
    const grant = await ask(bank);
    const [holder, attacker] = [await openBrowser(), await openBrowser()];
    if (order === 'before') await attacker.goto(grant.redirect);
    await holder.goto(grant.redirect);
    await signIn(holder);
    if (order === 'after') await attacker.goto(grant.redirect);
    assert.equal(await heading(attacker), 'Sign in');

    await loseAnswer(holder);
    const finish = `${grant.redirect.replace(/\?.*/, '')}/finish`;
    for (const url of [finish, `${finish}?ticket=x`]) {
      await attacker.goto(url);
      assert.equal(await heading(attacker), 'Wrong browser');
    }
    await attacker.goto(grant.redirect);
    assert.equal(new URL(attacker.url()).searchParams.get('interact_ref'), null);

    await holder.goto(partsOf(bank, grant).consent);
    assert.equal(await heading(holder), 'Request closed');
    await holder.getByRole('link', { name: 'Back to the application' }).click();
    await holder.waitForURL(`${client.origin}/**`);
    const { status, text } = await grant.proceed(new URL(holder.url()).searchParams.get('interact_ref')!);
    assert.equal(status, 200, text);
  });
}

test('signing out in one tab ends the form in the other: it asks to sign in again', async () => {
  const grant = await ask(bank);
  const page = await openBrowser();
  await page.goto(grant.redirect);
  await signIn(page);
  const other = await page.context().newPage();
  await other.goto(grant.redirect);
  await other.getByRole('button', { name: 'Use another account' }).click();
  await button(page, 'accept').click();
  assert.equal(await heading(page), 'Sign in');
  await signIn(page);
  await clickAndArrive(page, 'accept', client.origin);
});

test('a second click after an answer that did not arrive: the person arrives', async () => {
  const grant = await ask(open);
  const page = await openBrowser();
  await page.goto(grant.redirect);
  await loseAnswer(page);
  await clickAndArrive(page, 'accept', client.origin);
  const { status, text } = await grant.proceed(new URL(page.url()).searchParams.get('interact_ref')!);
  assert.equal(status, 200, text);
});

test('a client opens its link in two tabs of one browser: either form works', async () => {
  const grant = await ask(open);
  const first = await openBrowser();
  const second = await first.context().newPage();
  for (const page of [first, second]) {
    await page.goto(client.origin);
    await page.evaluate(`location.href = ${JSON.stringify(grant.redirect)}`);
    await button(page, 'accept').waitFor();
  }
  await clickAndArrive(first, 'accept', client.origin);
  await button(second, 'deny').click();
  assert.equal(await heading(second), 'Request closed');
});

test('no site learns the address of a page that led to it', () => {
  assert.deepEqual(sites.flatMap(({ referrers }) => referrers).filter(Boolean), []);
});
