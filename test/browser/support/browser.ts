/** A browser, and a client whose grants a person decides in it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { bracketed } from '../../../src/net/loopback.ts';
import type { CertificateAndKey } from '../../../src/net/x509.ts';
import { send } from '../../support/signed-fetch.ts';
import { clientEnvironment, type TestWorld } from '../../support/world.ts';

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['TOUCHSTONE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  });

const clientPage =
  '<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,"><p>Back at the client.';

export interface SiteOptions {
  /** Default: the page of a client, without subresources. */
  readonly respond?: (req: IncomingMessage, res: ServerResponse) => unknown;
  /** Address to listen on. Default: 127.0.0.1. */
  readonly address?: string;
  /** Name in the origin. Default: the address. */
  readonly host?: string;
  /** Default: plain HTTP. */
  readonly tls?: CertificateAndKey;
}

/** A website, such as that of a client with its finish URI. `visits` are the requested URLs. */
export async function startSite({ respond, address = '127.0.0.1', host = bracketed(address), tls }: SiteOptions = {}) {
  const visits: URL[] = [];
  const referrers: (string | undefined)[] = [];
  const listener: RequestListener = (req, res) => {
    visits.push(new URL(req.url!, 'http://client'));
    referrers.push(req.headers.referer);
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    if (respond === undefined) res.end(clientPage);
    else respond(req, res);
  };
  const server = tls ? createTlsServer({ ...tls }, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const origin = `${tls ? 'https' : 'http'}://${host}:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin, visits, referrers, close };
}

const source = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'node_modules', 'axe-core', 'axe.min.js'),
  'utf8',
);

/** Violations that axe reports for a page, including best practices; only those of one rule if it is named. */
export async function findBarriers(page: Page, rule?: string): Promise<string[]> {
  await page.evaluate(source);
  const { violations } = await page.evaluate(
    (only) => (globalThis as unknown as { axe: typeof axe }).axe.run(only === undefined ? {} : { runOnly: [only] }),
    rule,
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

export interface Visit {
  readonly page: Page;
  /** Console messages, and requests to other than the allowed origins. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** A new browser context with separate cookies. */
export async function openWindow(
  browser: Browser,
  origins: readonly string[],
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext(options);
  const complaints: string[] = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (/^https?:$/.test(url.protocol) && !origins.includes(url.origin)) complaints.push(`request to ${url.origin}`);
  });
  context.on('console', (message) => {
    // Chromium logs this for every status from 400 on, even if the page works.
    if (!/^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  return { page: await context.newPage(), complaints, close: () => context.close() };
}

const shots = join(import.meta.dirname, '..', 'screenshots');

/** Saves a screenshot, by default of the whole page, if `TOUCHSTONE_SCREENSHOTS` is set. */
export async function takePicture(page: Page, name: string, fullPage = true): Promise<void> {
  if (process.env['TOUCHSTONE_SCREENSHOTS'] !== '1') return;
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage });
}

export const money = (value: string, assetCode = 'USD', assetScale = 2) => ({ value, assetCode, assetScale });

export interface AskedGrant {
  readonly redirect: string;
  /** Continues with a reference, or by polling. */
  proceed(reference?: string): ReturnType<typeof send>;
}

/** Requests a grant that requires consent. `finish` is the client's URI; without it the client polls. */
export async function askForGrant(
  world: TestWorld,
  access: readonly object[],
  finish?: string,
  subject?: string,
): Promise<AskedGrant> {
  const client = clientEnvironment(world);
  const body = {
    client: client.client,
    access_token: { access },
    ...(subject !== undefined && { subject: { sub_ids: [{ id: subject, format: 'uri' }] } }),
    interact: {
      start: ['redirect'],
      ...(finish !== undefined && { finish: { method: 'redirect', uri: finish, nonce: 'client-nonce' } }),
    },
  };
  const answer = await send(client, { method: 'POST', url: world.ases[0]!.authServer, body });
  assert.equal(answer.status, 200, answer.text);
  const { uri, access_token } = answer.body.continue;
  return {
    redirect: answer.body.interact.redirect,
    proceed: (reference) =>
      send(client, {
        method: 'POST',
        url: uri,
        token: access_token.value,
        ...(reference !== undefined && { body: { interact_ref: reference } }),
      }),
  };
}
