/** Consent of an owner on a page in Chromium: the steps that a person would take, in one browser for the run. */
import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { finishUri } from './interaction.ts';

/** `click SELECTOR`, or `fill SELECTOR = VALUE`; a value such as `$PASSWORD` is an environment variable. */
export type ConsentStep =
  | { readonly action: 'click'; readonly selector: string }
  | { readonly action: 'fill'; readonly selector: string; readonly value: string };

/** Fits the consent page of Touchstone. */
export const defaultSteps = ['click button[value=accept]'];

const STEP_MS = 10_000;
/** The finish URI of the checks is at this port, which Chromium does not open otherwise. */
const { port } = new URL(finishUri);

/** Throws an error with a sentence for a step of another form. */
export function parseStep(text: string, environment: Readonly<Record<string, string | undefined>>): ConsentStep {
  const [, action, rest = ''] = /^(click|fill) +(\S.*)$/.exec(text.trim()) ?? [];
  if (action === 'click') return { action, selector: rest };
  const [, selector, written = ''] = /^(.*\S) += +(.*)$/.exec(rest) ?? [];
  if (action !== 'fill' || selector === undefined)
    throw new Error(`a step of consent is \`click SELECTOR\` or \`fill SELECTOR = VALUE\`, not ${text.slice(0, 80)}`);
  const [, variable] = /^\$(\w+)$/.exec(written) ?? [];
  const value = variable === undefined ? written : environment[variable];
  if (value === undefined) throw new Error(`the step of consent needs the variable ${variable}, which is not set`);
  return { action, selector, value };
}

type Load = () => Promise<Pick<typeof import('playwright-core'), 'chromium'>>;

let started: Promise<Browser> | undefined;

/** Starts Chromium: that of TOUCHSTONE_CHROMIUM, of the system, or of Playwright. Throws an error with a sentence. */
export async function openBrowser(load: Load = () => import('playwright-core')): Promise<Browser> {
  const playwright = await load().catch(() => {
    throw new Error('--consent browser needs the package playwright-core: npm install playwright-core');
  });
  const executable = process.env['TOUCHSTONE_CHROMIUM'] ?? '/usr/bin/chromium';
  const isNamed = process.env['TOUCHSTONE_CHROMIUM'] !== undefined || existsSync(executable);
  const args = ['--no-sandbox', `--explicitly-allowed-ports=${port}`];
  try {
    return await playwright.chromium.launch({ args, ...(isNamed && { executablePath: executable }) });
  } catch (error) {
    const [reason] = (error as Error).message.split('\n', 1);
    throw new Error(`Chromium does not start (${reason}): install it, or set TOUCHSTONE_CHROMIUM to its path`);
  }
}

/** Opens the page of an interaction and takes the steps. Resolves with the URL at the client to which they led. */
export async function consentInBrowser(redirect: string, steps: readonly ConsentStep[]): Promise<URL> {
  started ??= openBrowser();
  const context = await (await started).newContext({ ignoreHTTPSErrors: true });
  try {
    const page = await context.newPage();
    const finished = page.waitForRequest((request) => request.url().startsWith(finishUri), {
      timeout: STEP_MS * (steps.length + 1),
    });
    // It is awaited after the steps, and a failed step comes first.
    finished.catch(() => {});
    await page.goto(redirect, { timeout: STEP_MS, waitUntil: 'domcontentloaded' });
    for (const step of steps) await takeStep(page, step);
    const request = await finished.catch(async () => {
      throw new Error(`the steps of consent did not lead to the client, but to the page “${await page.title()}”`);
    });
    return new URL(request.url());
  } finally {
    await context.close();
  }
}

async function takeStep(page: Page, step: ConsentStep): Promise<void> {
  const element = page.locator(step.selector).first();
  try {
    if (step.action === 'click') await element.click({ timeout: STEP_MS, noWaitAfter: true });
    else await element.fill(step.value, { timeout: STEP_MS });
  } catch {
    throw new Error(`the consent page “${await page.title()}” has no element ${step.selector} to ${step.action}`);
  }
}

export async function closeBrowser(): Promise<void> {
  const browser = await started?.catch(() => undefined);
  started = undefined;
  await browser?.close();
}
