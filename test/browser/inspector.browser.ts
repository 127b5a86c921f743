/**
 * The inspector in Chromium: every page on desktop and phone, in light and dark, without barriers, console messages or
 * requests elsewhere; live with the script, and complete without it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createPacketInDoubt } from '../support/packet-in-doubt.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { findBarriers, launchBrowser, openWindow, takePicture, type Visit } from './support/browser.ts';

let browser: Browser;
let world: TestWorld;
let origin: string;
/** Path of the payment that was made by hand. */
let payment: string;

const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

before(async () => {
  [browser, world] = await Promise.all([launchBrowser(), startWorld({ seed: 'inspector', consent: 'manual' })]);
  origin = new URL(world.controlUrl).origin;
});
after(async () => {
  await browser.close();
  await world.close();
});

/** Opens the inspector with a new link, as a person who clicks on it. */
async function signIn(options: BrowserContextOptions): Promise<Visit> {
  const visit = await openWindow(browser, [origin, ...world.ases.map((ase) => ase.origin)], options);
  await visit.page.goto(world.issueInspectorLink());
  await visit.page.waitForURL(`${origin}/inspector/requests`);
  return visit;
}

/** No accessibility violation, console message, request to another origin or horizontal scrolling. */
async function assertGood({ page, complaints }: Visit): Promise<void> {
  assert.deepEqual(await findBarriers(page), [], page.url());
  assert.deepEqual(complaints, [], page.url());
  const width = await page.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
  assert.ok(width[0]! <= width[1]!, `${page.url()} scrolls sideways: ${width}`);
}

const heading = (page: Page): Promise<string> => page.locator('h1').innerText();

test('a payment by hand: every request appears without a reload, a person consents, and the packets arrive', async () => {
  const visit = await signIn(desktop);
  const { page } = visit;
  await page.getByRole('link', { name: 'Pay', exact: true }).click();
  await page.getByLabel('Amount that arrives').fill('5.00');
  await page.getByRole('button', { name: 'Pay', exact: true }).click();
  await page.getByRole('link', { name: 'open the consent page' }).click();
  await page.locator('button[aria-label=accept]').click();
  await page.waitForURL(`${origin}/inspector/pay/*`);
  await page.evaluate('globalThis.isSameDocument = true');
  await page.getByText('The money has arrived.').waitFor();
  assert.equal(await page.evaluate('globalThis.isSameDocument'), true, 'the page was not loaded anew');
  assert.ok((await page.locator('.flow li').count()) >= 10);
  await assertGood(visit);
  await takePicture(page, 'inspector-pay');
  await page.getByRole('link', { name: 'from grant to packets' }).click();
  assert.match(await heading(page), /^Payment [0-9a-f]{8}$/);
  payment = new URL(page.url()).pathname;
  const diagram = await page.locator('#flow').innerText();
  for (const words of ['create-quote', 'start-interaction', 'post-continue', 'ILP Prepare 5.00 EUR', 'Fulfill']) {
    assert.ok(diagram.includes(words), words);
  }
  await visit.close();
});

const pages = (): Readonly<Record<string, string>> => ({
  requests: '/inspector/requests',
  request: '/inspector/requests/4',
  flow: '/inspector/flow',
  wallets: '/inspector/wallets',
  wallet,
  grants: '/inspector/grants',
  grant,
  payments: '/inspector/payments',
  payment,
  ledger: '/inspector/ledger',
  packet,
  events: '/inspector/events',
  catalogue: '/inspector/catalogue?operation=create-quote',
  controls: '/inspector/controls',
});
let wallet: string;
let grant: string;
let packet: string;

test('links lead from a list to the page of a wallet and of a grant', async () => {
  const visit = await signIn(desktop);
  const { page } = visit;
  await page.getByRole('link', { name: 'Wallets' }).click();
  await page.getByRole('link', { name: world.env['TOUCHSTONE_CLIENT']!, exact: true }).click();
  wallet = new URL(page.url()).pathname;
  assert.ok((await page.locator('#keys').innerText()).includes(world.env['TOUCHSTONE_KEY_ID']!));
  await page.goto(origin + payment);
  await page.locator('#payment a').click();
  grant = new URL(page.url()).pathname;
  assert.match(await page.locator('#rights').innerText(), /Send payments\s+Up to 5\.\d\d USD in all/);
  await visit.close();
});

test('a packet without an answer is booked with the fulfillment of the peer', async () => {
  await world.controls.setConsent('auto');
  const { payment: paid, condition } = await createPacketInDoubt(world, 'after-commit');
  const other = await createPacketInDoubt(world, 'after-commit');
  packet = `/inspector/payments/granite/${other.payment}/packets/${other.condition}`;
  await world.controls.setConsent('manual');
  const visit = await signIn(desktop);
  const { page } = visit;
  await page.getByRole('link', { name: 'Ledger' }).click();
  await page.getByRole('link', { name: `Resolve packet ${condition.slice(0, 8)}` }).click();
  await page.getByRole('button', { name: 'Book it as fulfilled' }).click();
  await page.getByText('The packet is booked as fulfilled.').waitFor();
  assert.equal(await heading(page), `Payment ${paid.slice(0, 8)}`);
  await assertGood(visit);
  await visit.close();
});

for (const [name, options] of [
  ['desktop', desktop],
  ['phone', phone],
] as const) {
  test(`every page in light and dark: ${name}`, async () => {
    const visit = await signIn(options);
    const { page } = visit;
    for (const [title, path] of Object.entries(pages())) {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.goto(origin + path);
      await assertGood(visit);
      await takePicture(page, `inspector-${title}-${name}-light`, false);
      await page.emulateMedia({ colorScheme: 'dark' });
      assert.deepEqual(await findBarriers(page, 'color-contrast'), [], path);
      await takePicture(page, `inspector-${title}-${name}-dark`, false);
    }
    await visit.close();
  });
}

test('the saved requests are an archive from which a browser replays the answers', async () => {
  const { page, close } = await signIn(desktop);
  const saving = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Save as HTTP Archive (HAR)' }).click();
  const archive = await (await saving).path();
  const other = await browser.newContext();
  // A request that the archive does not have fails, instead of reaching the server.
  await other.routeFromHAR(archive, { notFound: 'abort' });
  const replay = await other.newPage();
  const wallet = world.env['TOUCHSTONE_WALLET_ADDRESS']!;
  const answer = await replay.goto(wallet);
  assert.equal(((await answer!.json()) as { id: string }).id, wallet);
  await assert.rejects(replay.goto(`${wallet}/unknown`));
  await other.close();
  await close();
});

test('without JavaScript: forms and links work, and the state is that of the last load', async () => {
  const visit = await signIn({ ...desktop, javaScriptEnabled: false });
  const { page } = visit;
  await page.getByRole('link', { name: 'Controls' }).click();
  await page.getByRole('button', { name: 'Freeze' }).click();
  assert.match(await page.locator('[role=status]').innerText(), /^The clock shows /);
  assert.equal(world.controls.clock().mode, 'frozen');
  await page.getByRole('button', { name: 'Let it run' }).click();
  assert.equal(world.controls.clock().mode, 'live');
  await visit.close();
});

test('live: a new request appears while the focus stays; a paused page does not listen', async () => {
  await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  const visit = await signIn(desktop);
  const { page } = visit;
  // Updates that do not wait for the stream would come after ten minutes.
  await changeInterval(page, 600_000);
  const link = page.locator('#list-body a').first();
  await link.focus();
  const before = Number((await link.innerText()).slice(1));
  await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  await page.locator(`#list-${before + 1}`).waitFor();
  assert.equal(await page.evaluate('document.activeElement.innerText'), `#${before}`);
  await page.getByRole('button', { name: 'Pause updates' }).click();
  // Those of earlier pages may take a moment to end.
  while (world.inspected.live.count() > 0) await pause(10);
  await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  await page.getByRole('button', { name: 'Resume updates' }).click();
  await page.locator(`#list-${before + 2}`).waitFor();
  assert.deepEqual(visit.complaints, []);
  await visit.close();
});

test('live without the event stream: the page asks at intervals', async () => {
  const visit = await signIn(desktop);
  const { page } = visit;
  await page.route('**/live', (route) => route.fulfill({ status: 404 }));
  await changeInterval(page, 100);
  const before = Number((await page.locator('#list-body a').first().innerText()).slice(1));
  await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  await page.locator(`#list-${before + 1}`).waitFor();
  assert.deepEqual(visit.complaints, []);
  await visit.close();
});

/** Loads the page again, with another interval between updates. */
async function changeInterval(page: Page, milliseconds: number): Promise<void> {
  // Runs before the script of the page.
  await page.addInitScript(`new MutationObserver((_, observer) => {
    if (!document.body) return;
    document.body.dataset.every = '${milliseconds}';
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });`);
  await page.reload();
  assert.equal(await page.evaluate('document.body.dataset.every'), String(milliseconds));
}

test('keyboard: the focus is visible, the first stop skips to the content', async () => {
  const visit = await signIn({ ...desktop, javaScriptEnabled: false });
  const { page } = visit;
  await page.keyboard.press('Tab');
  assert.equal(await page.locator(':focus').innerText(), 'Skip to the content');
  for (let presses = 0; presses < 3; presses += 1) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate<string>(
      'getComputedStyle(document.activeElement).outlineStyle + " " + getComputedStyle(document.activeElement).outlineWidth',
    );
    assert.equal(outline, 'solid 3px');
  }
  await visit.close();
});

test('a link that was used, the sign-in with the token, and the sign-out', async () => {
  const link = world.issueInspectorLink();
  const visit = await openWindow(browser, [origin], phone);
  const { page } = visit;
  await page.goto(link);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto(link);
  assert.match(await page.locator('[role=alert]').innerText(), /used before/);
  await assertGood(visit);
  await takePicture(page, 'inspector-sign-in-phone');
  await page.getByLabel('Control token').fill(world.controlToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${origin}/inspector/requests`);
  await visit.close();
});
