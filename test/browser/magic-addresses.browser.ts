/** Pages in Chromium and the wallet addresses that arm negative replies and traps: only the user's own pages arm them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { controlOf } from '../support/administration.ts';
import { findFreePort } from '../support/free-port.ts';
import { clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';
import { launchBrowser, startSite } from './support/browser.ts';

let browser: Browser;
/** At localhost, where a browser says which page makes a request. */
let local: TestWorld;
/** At bank.test, where it does not. */
let exposed: TestWorld;

before(async () => {
  const port = await findFreePort(100);
  [browser, local, exposed] = await Promise.all([
    launchBrowser(),
    startWorld(),
    startWorld({ port, publicUrl: `http://bank.test:${port}`, insecure: true }),
  ]);
});
after(() => Promise.all([browser.close(), local.close(), exposed.close()]));

/** Opens a page of a site that reads wallet addresses by itself; resolves when it has tried. */
async function visit(host: string, magic: string): Promise<void> {
  const site = await startSite({
    host,
    respond: (_req, res) =>
      res.end(`<!doctype html><title>Site</title><link rel="icon" href="data:,">
        <img src="${magic}"><link rel="stylesheet" href="${magic}"><iframe src="${magic}"></iframe>
        <script type="module">
          for (const options of [{}, { mode: 'no-cors' }, { mode: 'no-cors', referrerPolicy: 'no-referrer' }])
            await fetch(${JSON.stringify(magic)}, options).catch(() => {});
          document.title = 'Done';
        </script>`),
  });
  const page = await browser.newPage();
  try {
    await page.goto(site.origin, { waitUntil: 'load' });
    await page.waitForFunction("document.title === 'Done'");
  } finally {
    await page.close();
    site.close();
  }
}

async function armed(world: TestWorld): Promise<number> {
  const { faults } = (await controlOf(world)('GET', '/faults')).body;
  assert.equal((await controlOf(world)('DELETE', '/faults')).status, 204);
  return faults.length;
}

const magicAt = (world: TestWorld) => `${new URL(clientEnvironment(world).receiver).origin}/reply/create-quote-403`;

test('a page at another site arms nothing', async () => {
  await visit('evil.test', magicAt(local));
  assert.equal(await armed(local), 0);
});

test('a page at another site arms nothing in a world that other machines can reach', async () => {
  await visit('evil.test', magicAt(exposed));
  assert.equal(await armed(exposed), 0);
});

test('a script of a page on this machine arms a reply', async () => {
  await visit('127.0.0.1', magicAt(local));
  assert.equal(await armed(local), 1);
});
