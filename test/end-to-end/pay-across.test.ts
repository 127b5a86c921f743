/**
 * The official client pays across ASEs: on the embedded database, on PostgreSQL, with each ASE in a separate process,
 * and over TLS.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { createAuthority, issueCertificate } from '../../src/net/x509.ts';
import { findFreePort } from '../support/free-port.ts';
import { createEmptyDatabase, needsPostgres } from '../support/postgresql.ts';
import { type Ready, type RunningProcess, readEnvironment, startProcess } from '../support/process.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, embedded, startWorld } from '../support/world.ts';
import { payAcross } from './support/official-client.ts';

test('on the embedded database', async () => {
  const world = await startWorld({ database: embedded });
  try {
    await payAcross(clientEnvironment(world));
    await assertBalanced(world.controls.ledgers());
  } finally {
    await world.close();
  }
});

test('on PostgreSQL', { skip: needsPostgres }, async () => {
  const database = await createEmptyDatabase();
  const world = await startWorld({ database: { kind: 'postgresql', url: database.url } });
  try {
    await payAcross(clientEnvironment(world));
    await assertBalanced(world.controls.ledgers());
  } finally {
    await world.close();
    await database.drop();
  }
});

test('over TLS with a private authority: a client that does not trust it cannot connect', async () => {
  const world = await startProcess(['--port', '0', '--consent', 'auto', '--tls']);
  const { env, ases } = world.ready;
  try {
    for (const { origin, authServer } of ases) assert.match(origin + authServer, /^https:.+https:/);
    assert.match(env['TOUCHSTONE_CONTROL']!, /^https:/);
    assert.deepEqual(await runClient({ ...env, NODE_EXTRA_CA_CERTS: env['TOUCHSTONE_CA']! }), { code: 0, errors: '' });
    const stranger = await runClient(env);
    assert.equal(stranger.code, 1);
    assert.match(stranger.errors, /fetch failed/);
    // The client gives no reason.
    await assert.rejects(fetch(ases[0]!.origin), ({ cause }) => cause.code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    setDefaultCACertificates([await readFile(env['TOUCHSTONE_CA']!, 'utf8')]);
    assert.deepEqual(
      (await openConsentPage(world.ready)).map((cookie) => /; Secure(;|$)/.test(cookie)),
      [true, true],
    );
  } finally {
    await world.stop();
  }
});

test('with each ASE in a separate process and database, over TLS with a given certificate', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-tls-'));
  const write = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  const authority = createAuthority(Date.now());
  const issued = issueCertificate(authority, ['localhost'], Date.now());
  const ca = await write('ca.pem', authority.cert);
  const tls = ['--tls-cert', await write('cert.pem', issued.cert), '--tls-key', await write('key.pem', issued.key)];
  const port = String(await findFreePort(100));
  const common = ['--port', port, '--consent', 'auto', '--peer-secret', 'between the two', ...tls, '--tls-ca', ca];
  const marble = await startProcess([...common, '--ase', 'marble', '--control-port', '0']);
  const granite = await startProcess([...common, '--ase', 'granite', '--control-port', '0']);
  try {
    const { env } = granite.ready;
    assert.deepEqual(
      granite.ready.ases.map(({ name }) => name),
      ['granite'],
    );
    assert.equal(env['TOUCHSTONE_CA'], ca);
    assert.deepEqual(await runClient({ ...env, NODE_EXTRA_CA_CERTS: ca }), { code: 0, errors: '' });
    setDefaultCACertificates([authority.cert]);
    assert.deepEqual([await isBalanced(granite), await isBalanced(marble)], [true, true]);
  } finally {
    await Promise.all([granite.stop(), marble.stop(), rm(directory, { recursive: true })]);
  }
});

/** The ledger of a process that serves one ASE. */
async function isBalanced({ ready: { env } }: RunningProcess): Promise<boolean> {
  const response = await fetch(`${env['TOUCHSTONE_CONTROL']}/ledger`, {
    headers: { authorization: `Bearer ${env['TOUCHSTONE_CONTROL_TOKEN']}` },
  });
  const { ases } = (await response.json()) as { ases: readonly [{ readonly balanced: boolean }] };
  return ases[0].balanced;
}

/** Asks for a grant that a person decides on; the cookies of the way to the page and of the page. */
async function openConsentPage({ env, ases }: Ready): Promise<string[]> {
  await fetch(`${env['TOUCHSTONE_CONTROL']}/consent`, {
    method: 'POST',
    headers: { authorization: `Bearer ${env['TOUCHSTONE_CONTROL_TOKEN']}`, 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'manual' }),
  });
  const client = readEnvironment({ env });
  const access = [{ type: 'outgoing-payment', actions: ['create'], identifier: client.walletAddress }];
  const body = { client: client.client, access_token: { access }, interact: { start: ['redirect'] } };
  const grant = await send(client, { method: 'POST', url: ases[0]!.authServer, body });
  const start = await fetch(grant.body.interact.redirect, { redirect: 'manual' });
  const page = await fetch(start.headers.get('location')!);
  return [start, page].map(({ headers }) => headers.get('set-cookie') ?? 'none');
}

/** Runs the official client in a process with these variables. */
async function runClient(variables: Readonly<Record<string, string>>): Promise<{ code: number; errors: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'support', 'official-client-process.ts')], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...variables },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  return { errors: await text(child.stderr), code: await ended };
}

async function assertBalanced(
  ledgers: Promise<readonly { name: string; books: { balanced: boolean } }[]>,
): Promise<void> {
  assert.deepEqual(
    (await ledgers).map(({ name, books }) => [name, books.balanced]),
    [
      ['granite', true],
      ['marble', true],
    ],
  );
}
