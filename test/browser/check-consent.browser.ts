/** `touchstone check --consent browser` on the consent page, and its sentences for a page of another form. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CheckContext } from '../../conformance/runner/check.ts';
import { closeBrowser, defaultSteps, openBrowser, parseStep } from '../../conformance/steps/browser-consent.ts';
import { finishUri } from '../../conformance/steps/interaction.ts';
import { giveConsent } from '../../conformance/steps/owner-consent.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { askForGrant } from './support/browser.ts';

let world: TestWorld;
before(async () => {
  world = await startWorld({ consent: 'manual', seed: 'check-consent', port: 0 });
});
after(async () => {
  await closeBrowser();
  await world.close();
});

const ask = () => {
  const identifier = world.env['TOUCHSTONE_WALLET_ADDRESS'];
  return askForGrant(world, [{ type: 'outgoing-payment', actions: ['create', 'read'], identifier }], finishUri);
};
const decide = (redirect: string, ...steps: string[]) => {
  const consent = { kind: 'browser', steps: steps.map((step) => parseStep(step, {})) } as const;
  return giveConsent({ target: { consent } } as unknown as CheckContext, redirect);
};

test('the owner accepts on the page, and the grant continues', async () => {
  const grant = await ask();
  const { finish } = await decide(grant.redirect, ...defaultSteps);
  const { status, body, text } = await grant.proceed(finish?.searchParams.get('interact_ref') ?? '');
  assert.equal(status, 200, text);
  assert.equal(typeof body.access_token.value, 'string');
});

test('other selectors, such as that of the refusal, are taken', async () => {
  const grant = await ask();
  const { finish } = await decide(grant.redirect, 'click button[aria-label=deny]');
  assert.equal(finish?.searchParams.get('result'), 'grant_rejected');
});

test('a browser that does not start is a sentence', async () => {
  const chromium = { launch: () => Promise.reject(new Error('no such file\nlog')) };
  await assert.rejects(
    openBrowser(async () => ({ chromium }) as never),
    /^Error: Chromium does not start \(no such file\): install/,
  );
  await assert.rejects(
    openBrowser(() => Promise.reject(new Error('x'))),
    /needs the package playwright-core: npm install/,
  );
});
