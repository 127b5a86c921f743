/** TLS: certificates made here or given, and what is wrong with them (RFC 5280, RFC 9525). */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { privateRanges } from '../../src/net/addresses.ts';
import { listen } from '../../src/net/listener.ts';
import { createOutbound, OutboundError } from '../../src/net/outbound.ts';
import { openTls } from '../../src/net/tls.ts';
import { createAuthority, issueCertificate } from '../../src/net/x509.ts';
import { createIlpOverHttpLink } from '../../src/payments/ilp/ilp-over-http.ts';

const now = Date.now();
const DAY_MS = 86_400_000;
const directory = await mkdtemp(join(tmpdir(), 'touchstone-tls-'));
after(() => rm(directory, { recursive: true, force: true }));

/** Writes a file of this directory; returns its path. */
async function write(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

/** A server with such credentials that answers 200 with `body`. */
async function serve(credentials: { cert: string; key: string }, body = '{}') {
  const listener = await listen('127.0.0.1', 0, credentials);
  listener.serve((req, res) => void req.resume().on('end', () => res.end(body)));
  return { origin: `https://localhost:${listener.port}`, close: () => listener.close(0) };
}

test('what an authority issues: names, usage, periods', () => {
  const authority = createAuthority(now);
  const issued = issueCertificate(authority, ['localhost', 'ase.example', '127.0.0.1', '::1'], now);
  const [root, leaf] = [new X509Certificate(authority.cert), new X509Certificate(issued.cert)];
  assert.deepEqual([root.ca, leaf.ca], [true, false]);
  assert.ok(root.verify(root.publicKey) && leaf.verify(root.publicKey) && leaf.checkIssued(root));
  assert.deepEqual(
    ['localhost', 'ase.example', 'other.example', 'sub.ase.example'].map((name) => leaf.checkHost(name) !== undefined),
    [true, true, false, false],
  );
  assert.deepEqual(
    ['127.0.0.1', '::1', '127.0.0.2'].map((address) => leaf.checkIP(address) !== undefined),
    [true, true, false],
  );
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.ok(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom) < 825 * DAY_MS);
  assert.notEqual(issueCertificate(authority, ['localhost'], now).cert, issued.cert);
  // Its last certificates end with it.
  const late = new X509Certificate(issueCertificate(authority, ['localhost'], now + 3649 * DAY_MS).cert);
  assert.equal(late.validTo, root.validTo);
});

test('the authority is kept where it was made, its key for its user only', async () => {
  const home = join(directory, 'kept');
  const first = await openTls({ directory: home });
  assert.equal(first.authorityFile, join(home, 'ca.pem'));
  const authority = await readFile(first.authorityFile!, 'utf8');
  assert.doesNotMatch(authority, /PRIVATE/);
  assert.equal((await stat(join(home, 'ca-key.pem'))).mode & 0o777, 0o600);
  const again = await openTls({ directory: home });
  assert.equal(await readFile(again.authorityFile!, 'utf8'), authority);
  const [{ cert }, root] = [again.credentialsFor(['ase.example', '[::1]']), new X509Certificate(authority)];
  assert.ok(new X509Certificate(cert).verify(root.publicKey));
  assert.ok(new X509Certificate(cert).checkHost('ase.example'));
  assert.ok(new X509Certificate(cert).checkHost('localhost'));
  assert.equal(again.credentialsFor(['[::1]', 'ase.example']).cert, cert);
});

test('our own calls accept that authority, and no server beyond it', async () => {
  const tls = await openTls({ directory: join(directory, 'calls') });
  const authority = { cert: await readFile(tls.authorityFile!, 'utf8'), key: '' };
  authority.key = await readFile(join(directory, 'calls', 'ca-key.pem'), 'utf8');
  const servers = {
    ours: await serve(tls.credentialsFor([])),
    foreign: await serve(issueCertificate(createAuthority(now), ['localhost'], now)),
    otherName: await serve(issueCertificate(authority, ['other.example'], now)),
    expired: await serve(issueCertificate(authority, ['localhost'], now - 500 * DAY_MS)),
  };
  const limits = { timeoutMs: 2000, maxBytes: 1000, userAgent: 'test' };
  const open = createOutbound({ ...limits, allowedRanges: privateRanges, allowHttp: true, trust: tls.trust });
  const untrusting = createOutbound({ ...limits, allowedRanges: privateRanges, allowHttp: true });
  const guarded = createOutbound({ ...limits, allowedRanges: [], allowHttp: false, trust: tls.trust });
  const ask = (outbound: typeof open, url: string): Promise<string | number> =>
    outbound.request({ url }).then(
      ({ status }) => status,
      (error) => (error instanceof OutboundError ? error.message.replace(/:\d+/, '') : String(error)),
    );
  const refused = (code: string) => `no connection to https://localhost (${code})`;
  const { ours, foreign, otherName, expired } = servers;
  try {
    assert.equal(await ask(open, ours.origin), 200);
    assert.equal(await ask(untrusting, ours.origin), refused('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    assert.equal(await ask(open, foreign.origin), refused('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    assert.equal(await ask(open, otherName.origin), refused('ERR_TLS_CERT_ALTNAME_INVALID'));
    assert.equal(await ask(open, expired.origin), refused('CERT_HAS_EXPIRED'));
    // AS-30: an accepted certificate opens no way inside.
    assert.equal(await ask(guarded, ours.origin), 'localhost is not a public host');
    assert.equal(await ask(guarded, ours.origin.replace('localhost', '127.0.0.1')), '127.0.0.1 is not a public host');

    const asset = { code: 'USD', scale: 2 };
    const answerOf = async (origin: string, trust = tls.trust): Promise<string> => {
      const link = createIlpOverHttpLink({ origin, token: 't', trust });
      const answer = await link.send(asset, Buffer.from('p')).then(String, (error: Error) => String(error.cause));
      link.close();
      return answer;
    };
    assert.equal(await answerOf(ours.origin), '{}');
    assert.match(await answerOf(foreign.origin), /unable to verify/);
    assert.match(await answerOf(otherName.origin), /altnames/);
  } finally {
    open.close();
    untrusting.close();
    guarded.close();
    await Promise.all(Object.values(servers).map((server) => server.close()));
  }
});

test('a certificate that is given', async () => {
  const authority = createAuthority(now);
  const issued = issueCertificate(authority, ['ase.example'], now);
  const caFile = await write('given-ca.pem', authority.cert);
  const certFile = await write('given.pem', issued.cert);
  const keyFile = await write('given-key.pem', issued.key);
  const tls = await openTls({ directory, certFile, keyFile, caFile });
  assert.deepEqual([tls.credentialsFor(['ase.example']), tls.authorityFile], [issued, caFile]);
  assert.throws(() => tls.credentialsFor(['localhost']), new ConfigError(`${certFile} is not for localhost`));
  assert.equal((await openTls({ directory, certFile, keyFile })).authorityFile, undefined);
  await assert.rejects(stat(join(directory, 'ca-key.pem')), { code: 'ENOENT' });
});

test('mistakes in what is given', async () => {
  const authority = createAuthority(now);
  const issued = issueCertificate(authority, ['localhost'], now);
  const certFile = await write('cert.pem', issued.cert);
  const keyFile = await write('key.pem', issued.key);
  const refuses = async (files: Partial<Parameters<typeof openTls>[0]>, message: string | RegExp) =>
    assert.rejects(openTls({ directory, certFile, keyFile, ...files }), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      assert.doesNotMatch(error.message, /PRIVATE KEY/);
      return true;
    });
  const past = await write('past.pem', issueCertificate(authority, ['localhost'], now - 500 * DAY_MS).cert);
  const future = await write('future.pem', issueCertificate(authority, ['localhost'], now + 2 * DAY_MS).cert);
  const other = await write('other-key.pem', issueCertificate(authority, ['localhost'], now).key);
  const [missing, text] = [join(directory, 'missing.pem'), await write('text.pem', 'not PEM')];
  await refuses({ keyFile: undefined }, '--tls-cert and --tls-key are given together');
  await refuses({ certFile: undefined }, '--tls-cert and --tls-key are given together');
  await refuses({ certFile: missing }, `cannot read ${missing} (ENOENT)`);
  await refuses({ certFile: text }, `${text} holds no certificate in PEM`);
  await refuses({ keyFile: text }, `${text} holds no private key in PEM, or an encrypted one`);
  await refuses({ keyFile: other }, `${other} is not the private key of ${certFile}`);
  await refuses({ certFile: past }, new RegExp(`^${past} has expired: `));
  await refuses({ certFile: future }, new RegExp(`^${future} is not valid before `));
  await refuses({ caFile: certFile }, `${certFile} is not the certificate of an authority`);
  // A kept authority is not replaced behind the backs of those who accept it.
  const expired = createAuthority(now - 4000 * DAY_MS);
  const kept = await write('ca-key.pem', expired.key + expired.cert);
  await chmod(kept, 0o600);
  await refuses({ certFile: undefined, keyFile: undefined }, new RegExp(`^${kept} has expired: `));
});
