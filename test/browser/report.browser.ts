/**
 * The HTML report in Chromium: accessible in light, dark and on a phone, silent in the console, without any request,
 * and complete without scripts.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { requirementIds } from '../../src/grade/catalogue.ts';
import { renderHtml } from '../../src/grade/reports/files.ts';
import { attacks } from '../grade/reports/hostile.ts';
import { hostileReport, passedReport, sampleReport } from '../grade/reports/sample.ts';
import { findBarriers, launchBrowser, openWindow, takePicture, type Visit } from './support/browser.ts';

let browser: Browser;
let directory: string;
const files = {
  sample: sampleReport(),
  passed: passedReport(),
  hostile: hostileReport(attacks.join('')),
} as const;
before(async () => {
  [browser, directory] = await Promise.all([launchBrowser(), mkdtemp(join(tmpdir(), 'touchstone-report-'))]);
  for (const [name, report] of Object.entries(files)) {
    await writeFile(join(directory, `${name}.html`), renderHtml(report));
  }
});
after(async () => {
  await browser.close();
  await rm(directory, { recursive: true });
});

const desktop = { viewport: { width: 1240, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Opens a report, lets `act` use it, and expects no console message, dialog or request. */
async function visit(
  name: keyof typeof files,
  options: BrowserContextOptions,
  act: (page: Page, opened: Visit) => Promise<void>,
): Promise<void> {
  const opened = await openWindow(browser, [], options);
  const requests: string[] = [];
  opened.page.on('request', (request) => requests.push(request.url()));
  opened.page.on('dialog', (dialog) => opened.complaints.push(`dialog: ${dialog.message()}`));
  const url = pathToFileURL(join(directory, `${name}.html`)).href;
  try {
    await opened.page.goto(url);
    await act(opened.page, opened);
    assert.deepEqual(opened.complaints, []);
    assert.deepEqual(
      requests.filter((each) => each.replace(/#.*/, '') !== url && !each.startsWith('data:image/svg+xml,')),
      [],
    );
  } finally {
    await opened.close();
  }
}

async function assertFits(page: Page): Promise<void> {
  const [needed, available] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  assert.ok(needed <= available, `scrolls sideways: ${needed} > ${available}`);
}

/** Shows all that is hidden or closed at first. */
const unfold = (page: Page): Promise<unknown> =>
  page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true;
    for (const each of document.querySelectorAll('input[type=checkbox]')) each.checked = true;`);

/** The parts are those of which a picture is taken. */
for (const [look, options, parts] of [
  ['desktop-light', { ...desktop, colorScheme: 'light' }, ['summary', 'requirements', 'flow', 'exchange-13']],
  ['desktop-dark', { ...desktop, colorScheme: 'dark' }, ['summary', 'flow']],
  ['phone-light', { ...phone, colorScheme: 'light' }, ['summary', 'CL-DIG-02']],
  ['phone-dark', { ...phone, colorScheme: 'dark' }, ['flow']],
] as const) {
  test(`accessible: ${look}`, () =>
    visit('sample', options, async (page) => {
      await assertFits(page);
      for (const part of parts) {
        if (part !== 'summary') await page.goto(`${page.url().replace(/#.*/, '')}#${part}`);
        await takePicture(page, `report-${part}-${look}`, false);
      }
      await unfold(page);
      assert.deepEqual(await findBarriers(page), []);
      await assertFits(page);
    }));
}

test('the report of a run that passed shows what was met', () =>
  visit('passed', desktop, async (page) => {
    assert.deepEqual(await findBarriers(page), []);
    assert.equal(await page.locator('.verdict:visible').count(), requirementIds.length);
  }));

test('hostile text is text: nothing runs, nothing loads, no barrier', () =>
  visit('hostile', desktop, async (page) => {
    await unfold(page);
    assert.deepEqual(await findBarriers(page), []);
    await assertFits(page);
    assert.equal(await page.locator('script, img, iframe').count(), 0);
    assert.ok((await page.locator('#exchange-1').innerText()).includes('<script>alert(1)</script>'));
  }));

test('without JavaScript: filters by verdict and area, and links that open what they lead to', () =>
  visit('sample', { ...desktop, javaScriptEnabled: false }, async (page) => {
    const verdict = (id: string) => page.locator(`.verdict:has(#${id})`);
    assert.equal(await verdict('CL-GNAP-14').isVisible(), true);
    assert.equal(await page.locator('#CL-GNAP-14').isVisible(), true, 'a failure is open');
    assert.equal(await verdict('CL-SIG-01').isVisible(), false, 'what is met is hidden');
    await page.getByLabel(/^Met/).check();
    assert.equal(await verdict('CL-SIG-01').isVisible(), true);
    await page.getByLabel(/^Failed/).uncheck();
    assert.equal(await verdict('CL-GNAP-14').isVisible(), false);
    await page.getByLabel('Quotes').check();
    assert.deepEqual(await page.locator('.area:visible').evaluateAll((areas) => areas.map(({ id }) => id)), ['CL-Q']);
    await page.getByLabel('All', { exact: true }).check();
    await page.getByLabel(/^Failed/).check();
    await page.locator('#CL-DIG-02').getByRole('link', { name: 'Exchange 6' }).click();
    assert.equal(await page.locator('#exchange-6').isVisible(), true);
    assert.equal(await page.locator('#exchange-7').isVisible(), false);
    await page.locator('#P02').getByRole('link', { name: 'CL-GNAP-15' }).click();
    assert.equal(await page.locator('#CL-GNAP-15').isVisible(), true, 'a link shows what a filter hides');
  }));

test('keyboard: the focus is visible, and a summary opens with Enter', () =>
  visit('sample', { ...desktop, javaScriptEnabled: false }, async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.locator(':focus').innerText(), 'Skip to the requirements');
    await page.locator('#exchanges summary').first().focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    const outline = await page.evaluate<string>(`(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return outlineStyle + ' ' + outlineWidth;
    })()`);
    assert.equal(outline, 'solid 3px');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('#exchange-1').isVisible(), true);
  }));
