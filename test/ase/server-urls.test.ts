/** Where the servers of an ASE are (WA-08, WA-09, CT-08). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingUrls, publicHosts, resolveServerUrls, serverNames } from '../../src/ase/server-urls.ts';

const origin = 'https://granite.example';
const privateUrl = 'http://localhost:4900/granite';

test('all on one origin, and the private ones below the control API', () => {
  assert.deepEqual(resolveServerUrls({}, origin, privateUrl), {
    walletAddressServer: 'https://granite.example',
    authServer: 'https://granite.example/auth/',
    resourceServer: 'https://granite.example',
    identityProvider: 'https://granite.example/idp',
    introspection: 'http://localhost:4900/granite/introspect',
    backChannel: 'http://localhost:4900/granite/idp',
  });
});

test('given URLs win; only the grant endpoint ends with a slash, however it was written', () => {
  for (const slash of ['', '/', '//']) {
    const given = { authServer: `https://auth.example${slash}`, resourceServer: `https://rs.example/v1${slash}` };
    const { authServer, resourceServer } = resolveServerUrls(given, origin, privateUrl);
    assert.deepEqual([authServer, resourceServer], ['https://auth.example/', 'https://rs.example/v1']);
  }
});

test('what runs elsewhere must be given, if it is needed', () => {
  assert.deepEqual(missingUrls(serverNames, {}), []);
  assert.deepEqual(missingUrls(['wallet-address'], {}), ['authServer', 'resourceServer']);
  assert.deepEqual(missingUrls(['wallet-address', 'resource'], {}), ['authServer', 'introspection']);
  assert.deepEqual(missingUrls(['auth', 'resource'], {}), ['walletAddressServer', 'identityProvider']);
  assert.deepEqual(missingUrls(['identity-provider'], { authServer: 'https://auth.example/' }), ['backChannel']);
});

test('the private URLs are on no public host', () => {
  const given = { authServer: 'https://auth.example/', introspection: 'http://10.0.0.1/', backChannel: 'http://auth/' };
  assert.deepEqual(publicHosts(given), ['auth.example']);
  assert.deepEqual(publicHosts(given, ['resource']), []);
});
