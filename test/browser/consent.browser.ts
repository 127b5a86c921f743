/**
 * The pages in Chromium (AS-93, AS-N05, AS-N06, AS-N07, LIM-17): everything that a person can do on them, with checks
 * for accessibility (axe), console messages and requests to other origins.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startWorld, type TestWorld } from '../support/world.ts';
import {
  askForGrant,
  findBarriers,
  launchBrowser,
  money,
  openWindow,
  startSite,
  takePicture,
  type Visit,
} from './support/browser.ts';

let browser: Browser;
let world: TestWorld;
let site: Awaited<ReturnType<typeof startSite>>;
const windows: Visit[] = [];

before(async () => {
  [browser, world, site] = await Promise.all([
    launchBrowser(),
    startWorld({ consent: 'manual', seed: 'browser', port: 0 }),
    startSite(),
  ]);
});
after(async () => {
  for (const { close } of windows) await close();
  await browser.close();
  await world.close();
  site.close();
});
beforeEach(() => {
  site.visits.length = 0;
});

const desktop = { viewport: { width: 1100, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

async function open(options: Parameters<typeof openWindow>[2] = desktop, of: TestWorld = world): Promise<Visit> {
  const visit = await openWindow(browser, [of.ases[0]!.origin, site.origin], options);
  windows.push(visit);
  return visit;
}

/** The card of the page for each type of access. */
const pays = (of: TestWorld = world, limits: object | undefined = standing): object[] => [
  {
    type: 'outgoing-payment',
    actions: ['create', 'read', 'list'],
    identifier: of.env['TOUCHSTONE_WALLET_ADDRESS'],
    ...(limits && { limits }),
  },
];
const standing = { debitAmount: money('500'), interval: 'R12/2026-12-21T00:00:00Z/P1M' };
const finishUri = (): string => `${site.origin}/finish?order=7`;
const ask = (access = pays(), finish: string | undefined = finishUri(), of: TestWorld = world) =>
  askForGrant(of, access, finish);

const heading = (page: Page): Promise<string> => page.locator('h1').innerText();
const button = (page: Page, label: string) => page.locator(`button[aria-label="${label}"]`);

/** No accessibility violation, console message, request to another origin or horizontal scrolling. */
async function assertGood({ page, complaints }: Visit): Promise<void> {
  assert.deepEqual(await findBarriers(page), []);
  assert.deepEqual(complaints, []);
  const width = await page.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
  assert.ok(width[0]! <= width[1]!, `scrolls sideways: ${width}`);
}

async function expectToken(grant: Awaited<ReturnType<typeof ask>>) {
  const reference = site.visits.at(-1)!.searchParams.get('interact_ref');
  assert.ok(reference, `came back with ${site.visits.at(-1)}`);
  const { status, body, text } = await grant.proceed(reference);
  assert.equal(status, 200, text);
  return body.access_token;
}

test('accept: the page shows client, access and amount; then back to the client', async () => {
  const visit = await open();
  const { page } = visit;
  const grant = await ask();
  await page.goto(grant.redirect);
  assert.equal(await heading(page), 'Test client asks for access');
  const text = (await page.locator('main').innerText()).replaceAll(/\s+/g, ' ');
  for (const words of [
    world.env['TOUCHSTONE_CLIENT']!,
    'Send payments',
    'Up to 5.00 USD each month, until 21 December 2027',
    `From ${world.env['TOUCHSTONE_WALLET_ADDRESS']}`,
    'First period 21 December 2026 to 21 January 2027',
    'Number of periods 12',
  ]) {
    assert.ok(text.includes(words), `${words} in ${text}`);
  }
  await assertGood(visit);
  await takePicture(page, 'consent-desktop-light');
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  assert.equal(site.visits.at(-1)!.searchParams.get('order'), '7');
  const token = await expectToken(grant);
  assert.deepEqual(token.access[0].limits, standing);
  assert.deepEqual(visit.complaints, []);
});

test('deny', async () => {
  const { page } = await open();
  const grant = await ask();
  await page.goto(grant.redirect);
  await button(page, 'deny').click();
  await page.waitForURL(`${site.origin}/**`);
  assert.equal(site.visits.at(-1)!.searchParams.get('result'), 'grant_rejected');
});

test('allow less: a mistake is shown at its field and keeps all input; the token has the allowed amount', async () => {
  const visit = await open();
  const { page } = visit;
  const grant = await ask();
  await page.goto(grant.redirect);
  const field = page.getByLabel('Allow less');
  await field.fill('7.50');
  await button(page, 'accept').click();
  await page.locator('[role=alert]').waitFor();
  assert.equal(await field.inputValue(), '7.50');
  assert.equal(
    await page.evaluate('document.activeElement.name').then((name) => name === 'amount-0'),
    true,
    'one can go on writing',
  );
  assert.match(await page.locator('.error').innerText(), /5\.00 USD at most/);
  await assertGood(visit);
  await takePicture(page, 'allow-less-mistake');
  await field.fill('2.50');
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  const { access } = await expectToken(grant);
  assert.deepEqual(access[0].limits, { ...standing, debitAmount: money('250') });
});

test('expired in between: shown with a link back to the client', async () => {
  const visit = await open();
  const { page } = visit;
  const grant = await ask();
  await page.goto(grant.redirect);
  await world.controls.changeClock({ action: 'advance', milliseconds: 601_000 });
  await button(page, 'accept').click();
  await page.getByRole('heading', { name: 'Request closed' }).waitFor();
  await assertGood(visit);
  await takePicture(page, 'closed');
  await page.getByRole('link', { name: 'Back to the application' }).click();
  await page.waitForURL(`${site.origin}/**`);
  assert.equal(site.visits.at(-1)!.searchParams.get('result'), 'invalid_interaction');
});

test('reload changes nothing', async () => {
  const { page } = await open();
  const grant = await ask();
  await page.goto(grant.redirect);
  await page.reload();
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  await expectToken(grant);
});

test('back button after the decision: the decision stays, without a second reference', async () => {
  const visit = await open();
  const { page } = visit;
  const grant = await ask();
  await page.goto(grant.redirect);
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  await expectToken(grant);
  const seen = site.visits.length;
  await page.goBack();
  assert.equal(await heading(page), 'Request closed');
  await page.getByRole('link', { name: 'Back to the application' }).click();
  assert.equal(await heading(page), 'Wrong browser', 'the session ended with the finish');
  await assertGood(visit);
  assert.equal(site.visits.length, seen);
});

test('one request in two tabs: the first decision counts', async () => {
  const { page } = await open();
  const grant = await ask();
  const other = await page.context().newPage();
  await page.goto(grant.redirect);
  await other.goto(grant.redirect);
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  await button(other, 'deny').click();
  assert.equal(await heading(other), 'Request closed');
  await expectToken(grant);
});

test('two requests in two tabs of one browser end independently', async () => {
  const { page } = await open();
  const other = await page.context().newPage();
  const [first, second] = [await ask(), await ask()];
  await page.goto(first.redirect);
  await other.goto(second.redirect);
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  await expectToken(first);
  await button(other, 'deny').click();
  await other.waitForURL(`${site.origin}/**`);
  assert.equal(site.visits.at(-1)!.searchParams.get('result'), 'grant_rejected');
});

test('without a finish URI: ends at a closing page, and the client polls', async () => {
  const visit = await open();
  const { page } = visit;
  const grant = await askForGrant(world, pays());
  await page.goto(grant.redirect);
  await button(page, 'accept').click();
  assert.equal(await heading(page), 'Accepted');
  await assertGood(visit);
  await takePicture(page, 'accepted');
  assert.ok((await grant.proceed()).body.access_token.value);
});

test('unknown link, and another browser: an HTML page instead of JSON', async () => {
  const visit = await open();
  const { page } = visit;
  const grant = await ask();
  await page.goto(`${grant.redirect.replace(/[?#].*/, '')}x`);
  assert.equal(await heading(page), 'Unknown request');
  await assertGood(visit);
  await page.goto(`${grant.redirect.replace(/[?#].*/, '')}/finish`);
  assert.equal(await heading(page), 'Wrong browser');
});

test('keyboard only, with a visible focus', async () => {
  const { page } = await open();
  const grant = await ask();
  await page.goto(grant.redirect);
  const reached: string[] = [];
  for (let presses = 0; presses < 3; presses += 1) {
    await page.keyboard.press('Tab');
    const [name, outline] = await page.evaluate<[string, string]>(`(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [document.activeElement.ariaLabel ?? document.activeElement.id, outlineStyle + ' ' + outlineWidth];
    })()`);
    assert.equal(outline, 'solid 3px');
    reached.push(name);
  }
  assert.deepEqual(reached, ['amount-0', 'accept', 'deny']);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${site.origin}/**`);
  assert.equal(site.visits.at(-1)!.searchParams.get('result'), 'grant_rejected');
});

test('without JavaScript', async () => {
  const { page } = await open({ ...desktop, javaScriptEnabled: false });
  const grant = await ask();
  await page.goto(grant.redirect);
  await page.getByLabel('Allow less').fill('1');
  await button(page, 'accept').click();
  await page.waitForURL(`${site.origin}/**`);
  assert.equal((await expectToken(grant)).access[0].limits.debitAmount.value, '100');
});

const everything = (): object[] => [
  ...pays(world, {
    ...standing,
    interval: 'R/P2W/2027-12-21T14:30:00+01:00',
    receiver: `${world.ases[1]!.origin}/incoming-payments/08394f02-7b7b-45e2-b645-51d04e7c330c`,
  }),
  {
    type: 'outgoing-payment',
    actions: ['create'],
    identifier: world.env['TOUCHSTONE_WALLET_ADDRESS']!.replace('alice', 'amelia'),
  },
  { type: 'incoming-payment', actions: ['create', 'read', 'list-all'], identifier: world.env['TOUCHSTONE_CLIENT'] },
];

for (const [name, options] of [
  ['phone-light', { ...phone, colorScheme: 'light' }],
  ['phone-dark', { ...phone, colorScheme: 'dark' }],
  ['desktop-dark', { ...desktop, colorScheme: 'dark' }],
] as const) {
  test(`every type of access: ${name}`, async () => {
    const visit = await open(options);
    const { page } = visit;
    const grant = await askForGrant(world, everything(), finishUri(), world.env['TOUCHSTONE_WALLET_ADDRESS']);
    await page.goto(grant.redirect);
    const text = await page.locator('main').innerText();
    for (const words of ['every 2 weeks', 'Any amount', 'Receive payments', 'Know who you are']) {
      assert.ok(text.includes(words), words);
    }
    await assertGood(visit);
    await takePicture(page, `consent-${name}`);
  });
}

test('other sites cannot frame the page', async () => {
  const visit = await open();
  const grant = await ask();
  await visit.page.goto(site.origin);
  const frame = visit.page.waitForEvent('frameattached');
  await visit.page.setContent(`<!doctype html><title>Frame</title><iframe src="${grant.redirect}"></iframe>`);
  await frame;
  await visit.page.waitForFunction(() => performance.getEntriesByType('resource').length > 0);
  assert.equal(await visit.page.frameLocator('iframe').locator('form').count(), 0);
  assert.ok(
    visit.complaints.some((complaint) => /frame-ancestors|Framing/.test(complaint)),
    String(visit.complaints),
  );
});

test('AS-N05: sign-in with a wrong passphrase, as another account, and as the holder', async () => {
  const bank = await startWorld({ consent: 'manual', signIn: true });
  try {
    const passphraseOf = (account: string) => bank.passphrases.find((own) => own.account === account)!.passphrase;
    for (const [name, options] of [
      ['desktop', desktop],
      ['phone-dark', { ...phone, colorScheme: 'dark' }],
    ] as const) {
      const visit = await open(options, bank);
      const { page } = visit;
      const grant = await ask(pays(bank), finishUri(), bank);
      await page.goto(grant.redirect);
      assert.equal(await heading(page), 'Sign in');
      assert.ok(!(await page.content()).includes('5.00'), 'the request is not revealed yet');
      await assertGood(visit);
      await takePicture(page, `sign-in-${name}`);

      const signIn = async (account: string, passphrase: string) => {
        await page.getByLabel('Account').fill(account);
        await page.getByLabel('Passphrase').fill(passphrase);
        await page.getByRole('button', { name: 'Sign in' }).click();
      };
      await signIn('alice', 'not this one');
      assert.match(await page.locator('[role=alert]').innerText(), /do not match/);
      assert.equal(await page.getByLabel('Account').inputValue(), 'alice');
      await assertGood(visit);
      await takePicture(page, `sign-in-wrong-${name}`);

      await signIn('amelia', passphraseOf('/amelia'));
      assert.equal(await heading(page), 'Not your account');
      assert.equal(await button(page, 'accept').count(), 0);
      await assertGood(visit);
      await takePicture(page, `not-yours-${name}`);

      await page.getByRole('button', { name: 'Use another account' }).click();
      await signIn('/alice', passphraseOf('/alice'));
      assert.equal(await heading(page), 'Test client asks for access');
      await assertGood(visit);
      await takePicture(page, `signed-in-${name}`);
      await button(page, 'accept').click();
      await page.waitForURL(`${site.origin}/**`);
      const reference = site.visits.at(-1)!.searchParams.get('interact_ref')!;
      assert.ok((await grant.proceed(reference)).body.access_token.value);
    }
  } finally {
    await bank.close();
  }
});
