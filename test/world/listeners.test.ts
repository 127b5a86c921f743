/** Where the servers of ASEs listen and what they are called: prefixes, listeners, names (WA-07, WA-08, SIG-21). */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type ServerName, serverNames } from '../../src/ase/server-urls.ts';
import { type AseDefinition, defaultWorld, type WorldDefinition } from '../../src/world/definition/definition.ts';
import { listenForAses } from '../../src/world/listeners.ts';
import { send } from '../clients/support/replay.ts';
import { findFreePort } from '../support/free-port.ts';

const opened: { close(graceMs?: number): Promise<void> }[] = [];
after(() => Promise.all(opened.map((locations) => locations.close(0))));

const ase = (name: string, rest: Partial<AseDefinition> = {}): AseDefinition => ({
  name,
  portOffset: 0,
  wallets: [],
  ...rest,
});

async function open(
  ases: readonly AseDefinition[],
  rest: Partial<WorldDefinition> & { readonly publicUrl?: string; readonly serves?: readonly ServerName[] } = {},
) {
  const { publicUrl, serves = serverNames, ...definition } = rest;
  const locations = await listenForAses({ ...defaultWorld, ...definition, ases }, ases, {
    host: '127.0.0.1',
    port: 0,
    publicUrl: publicUrl === undefined ? undefined : new URL(publicUrl),
    servers: {},
    serves,
    controlUrl: 'http://localhost:1',
    credentialsFor: undefined,
  });
  opened.push(locations);
  return locations;
}

const portOf = (origin: string): number => Number(new URL(origin).port);

/** Answers with what was created for it. */
const answerWith =
  (name: string) => (servers: readonly ServerName[]) => (_req: unknown, res: { end(text: string): void }) =>
    res.end(`${name}: ${servers.join(' ')}`);

const ask = async (port: number, host: string): Promise<string> => {
  const { status, text } = await send({ method: 'GET', port, host, target: '/', headers: [] });
  return status === 200 ? text : String(status);
};

test('by default, all servers of an ASE share one origin', async () => {
  const granite = ase('granite');
  const { urlsOf, endpointOf, hosts, serve } = await open([granite]);
  const { walletAddressServer: origin, ...urls } = urlsOf(granite);
  assert.match(origin, /^http:\/\/localhost:\d+$/);
  assert.equal(urls.authServer, `${origin}/auth/`);
  assert.equal(urls.resourceServer, origin);
  assert.equal(urls.identityProvider, `${origin}/idp`);
  assert.equal(endpointOf(granite), origin);
  assert.deepEqual([...hosts], [[origin, origin.replace('localhost', '127.0.0.1')]]);
  assert.equal(await ask(portOf(origin), 'x'), '503');
  serve(granite, answerWith('granite') as never);
  assert.equal(await ask(portOf(origin), 'any.example'), `granite: ${serverNames.join(' ')}`);
});

test('configured URLs are published unchanged and called at the listener', async () => {
  const granite = ase('granite', {
    servers: {
      walletAddressServer: { url: 'https://wallet.example', aliases: ['http://other.example'] },
      authServer: { url: 'https://auth.example/tenant' },
    },
  });
  const { urlsOf, hosts, endpointOf } = await open([granite], { hosts: { 'https://far.example': 'http://10.0.0.1' } });
  const urls = urlsOf(granite);
  assert.equal(urls.walletAddressServer, 'https://wallet.example');
  assert.equal(urls.authServer, 'https://auth.example/tenant/');
  assert.equal(urls.resourceServer, endpointOf(granite));
  const address = `http://127.0.0.1:${portOf(endpointOf(granite))}`;
  assert.deepEqual(Object.fromEntries(hosts), {
    [endpointOf(granite)]: address,
    'https://wallet.example': address,
    'http://other.example': address,
    'https://auth.example': address,
    'https://far.example': 'http://10.0.0.1',
  });
});

test('the public URL belongs to the first ASE, unless that ASE has a configured port', async () => {
  const ases = [ase('a'), ase('b', { portOffset: 100 })];
  const { urlsOf, hosts } = await open(ases, { publicUrl: 'https://ase.example' });
  assert.equal(urlsOf(ases[0]!).authServer, 'https://ase.example/auth/');
  assert.equal(urlsOf(ases[1]!).authServer, 'https://ase.example:543/auth/');
  assert.deepEqual([...hosts.keys()], ['https://ase.example', 'https://ase.example:543']);
});

test('a server with a configured port is alone there; the Host header selects among ASEs that share a port', async () => {
  const [shared, own] = [await findFreePort(), await findFreePort()];
  const ases = [
    ase('slate', {
      port: shared,
      servers: { walletAddressServer: { url: 'https://slate.example' }, authServer: { port: own } },
    }),
    ase('chalk', {
      port: shared,
      servers: {
        walletAddressServer: { url: 'https://chalk.example', aliases: ['http://chalk.example:8080'] },
        authServer: { url: 'https://auth.chalk.example' },
      },
    }),
  ];
  const { urlsOf, serve } = await open(ases);
  assert.equal(urlsOf(ases[0]!).authServer, `http://localhost:${own}/auth/`);
  for (const each of ases) serve(each, answerWith(each.name) as never);
  const all = serverNames.join(' ');
  const allButAuth = serverNames.filter((name) => name !== 'auth').join(' ');
  assert.equal(await ask(own, 'chalk.example'), 'slate: auth');
  assert.equal(await ask(shared, 'slate.example'), `slate: ${allButAuth}`);
  for (const host of ['chalk.example', 'Chalk.Example', 'chalk.example:8080', 'auth.chalk.example']) {
    assert.equal(await ask(shared, host), `chalk: ${all}`);
  }
  assert.equal(await ask(shared, 'nobody.example'), `slate: ${allButAuth}`, 'the first one for all other names');
});

test('a port in use closes all listeners that were opened before', async () => {
  const [taken, free] = [await findFreePort(), await findFreePort()];
  const { close } = await open([ase('first', { port: taken })]);
  const ases = [ase('second', { port: free }), ase('third', { port: taken })];
  await assert.rejects(open(ases), { code: 'EADDRINUSE' });
  await close(0);
  await open(ases);
});
