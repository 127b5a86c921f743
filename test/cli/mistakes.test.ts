/** Mistakes of a user: each ends with one sentence that says what to do, with exit code 1 and without a stack trace. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseConfig, warnOfVariables } from '../../src/cli/parse-config.ts';
import { runCommand } from '../../src/cli/run.ts';
import { ConfigError } from '../../src/errors.ts';

type Environment = Readonly<Record<string, string>>;

interface Mistake {
  readonly args: readonly string[];
  readonly env?: Environment;
  readonly says: RegExp;
}

const start = (args: string, says: RegExp, env: Environment = {}): Mistake => ({
  args: ['start', ...args.split(' ').filter(Boolean)],
  says,
  env,
});

/** Found by the parser, without the rest of the program. */
const parsed: readonly Mistake[] = [
  start('--prot 0', /unknown option --prot; did you mean --port\?/),
  start('--zzz', /unknown option --zzz; touchstone start --help lists the options/),
  start('0', /unexpected argument '0'; .*npm run touchstone -- start/),
  start('-p 0', /unexpected argument '-p'/),
  start('-- --port 0', /unexpected argument '--'/),
  start('--port', /--port needs a value: --port N/),
  start('--seed --json', /--seed needs a value: --seed TEXT/),
  start('--port=', /--port is empty: give a value/),
  start('--seed=', /--seed is empty: give a value/),
  start('--port x', /--port takes a port from 0 to 65535, not 'x'/),
  start('--port -1', /--port takes a port from 0 to 65535, not '-1'/),
  start('--port 4000.5', /--port takes a port/),
  start('--port 70000', /--port takes a port from 0 to 65535/),
  start('--port 99999999999999999999', /--port takes a port/),
  start('--control-port abc', /--control-port takes a port/),
  start('--consent yes', /--consent takes auto, deny, manual, not 'yes'/),
  start('--consent autp', /not 'autp'; did you mean auto\?/),
  start('--profile lax', /--profile takes compat, strict, not 'lax'/),
  start('--log-level verbose', /--log-level takes debug, info/),
  start('--json=maybe', /--json takes yes or no, not 'maybe'/),
  start('', /TOUCHSTONE_PORT takes a port/, { TOUCHSTONE_PORT: 'abc' }),
  start('', /TOUCHSTONE_PORT is empty/, { TOUCHSTONE_PORT: '' }),
  start('', /TOUCHSTONE_CONSENT takes auto, deny, manual/, { TOUCHSTONE_CONSENT: 'always' }),
  start('', /TOUCHSTONE_SIGN_IN takes yes or no, not 'ja'/, { TOUCHSTONE_SIGN_IN: 'ja' }),
  start('', /TOUCHSTONE_JSON takes yes or no, not '2'/, { TOUCHSTONE_JSON: '2' }),
  start('', /TOUCHSTONE_CONTROL_TOKEN is empty/, { TOUCHSTONE_CONTROL_TOKEN: '' }),
  start('', /TOUCHSTONE_PEER_SECRET is empty/, { TOUCHSTONE_PEER_SECRET: '' }),
  { args: ['ledger', '--consent', 'auto'], says: /unknown option --consent; / },
];

for (const { args, env = {}, says } of parsed) {
  test(`${JSON.stringify(env)} ${args.join(' ')}`, () => {
    const [command, ...rest] = args as ['start' | 'ledger', ...string[]];
    assert.throws(
      () => parseConfig(command, rest, env),
      (error: Error) => error instanceof ConfigError && says.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('booleans have the usual spellings', () => {
  for (const text of ['true', 'TRUE', 'yes', 'on', '1'])
    assert.equal(parseConfig('start', [], { TOUCHSTONE_SIGN_IN: text }).signIn, true);
  for (const text of ['false', 'no', 'off', '0'])
    assert.equal(parseConfig('start', [`--sign-in=${text}`], {}).signIn, false);
});

test('a value may begin with a hyphen', () => {
  assert.equal(parseConfig('start', ['--control-token', '-abc'], {}).controlToken, '-abc');
  assert.equal(parseConfig('start', ['--control-token', '--abc'], {}).controlToken, '--abc');
});

test('a variable that no option takes is reported with the nearest option', () => {
  assert.deepEqual(
    warnOfVariables({ TOUCHSTONE_PROT: '1', TOUCHSTONE_PORT: '1', TOUCHSTONE_WALLET_ADDRESS: 'x', PORT: '1' }),
    ['TOUCHSTONE_PROT is ignored, because no option takes it; did you mean TOUCHSTONE_PORT?'],
  );
  assert.deepEqual(warnOfVariables({ TOUCHSTONE_QQQQQQ: '1' }), [
    'TOUCHSTONE_QQQQQQ is ignored, because no option takes it',
  ]);
});

test('a command reports such a variable before anything else', async (t) => {
  const write = t.mock.method(process.stderr, 'write', () => true);
  await assert.rejects(runCommand(['start', '--port', '65000'], { TOUCHSTONE_PROT: '1' }), /too high/);
  assert.match(String(write.mock.calls[0]?.arguments[0]), /^touchstone: TOUCHSTONE_PROT is ignored/);
});

let directory: string;
let busy: ReturnType<typeof createServer>;
let busyPort: number;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'touchstone-mistakes-'));
  await writeFile(join(directory, 'file'), 'text');
  busy = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => busy.once('listening', done));
  busyPort = (busy.address() as { port: number }).port;
  const wallets = '[{ path: /ann, publicName: Ann, asset: USD/2 }]';
  const roles = 'sender: bank/ann\nreceiver: bank/ann\nclient: { wallet: bank/ann, keyId: key-1 }\n';
  const ase = `{ name: bank, port: ${busyPort}, wallets: ${wallets} }`;
  await writeFile(join(directory, 'world.yaml'), `ases: [${ase}]\n${roles}`);
});
after(async () => {
  busy.close();
  await rm(directory, { recursive: true });
});

const compileCache = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'node-compile-cache');
const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run({ args, env = {} }: Omit<Mistake, 'says'>): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // The cache of compiled code would be created in TMPDIR.
    env: { PATH: process.env['PATH'], TMPDIR: directory, NODE_COMPILE_CACHE: compileCache, ...env },
    timeout: 120_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })));
}

/** The same in this process, which is faster. */
async function runHere(args: readonly string[], env: Environment): Promise<Ended> {
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = env['TMPDIR'] ?? directory;
  try {
    await runCommand(args, env);
    return { code: 0, stdout: '', stderr: '' };
  } catch (error) {
    assert.ok(error instanceof ConfigError, (error as Error).stack);
    return { code: 1, stdout: '', stderr: `touchstone: ${error.message}\n` };
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
}

/** Found before anything is created; `BUSY`, `DIR`, `FILE` and `WORLD` are replaced. */
const started: readonly Mistake[] = [
  { args: ['strat'], says: /unknown command strat; did you mean start\?/ },
  { args: ['zzzzzzzzz'], says: /unknown command zzzzzzzzz; the commands are start, grade, ledger, reconcile/ },
  start(
    '--port 65000',
    /--port 65000 is too high, because the control API would have port 65900: choose at most 64635/,
  ),
  start('--port 65500 --control-port 1', /marble would have port 65600: choose at most 65435/),
  start(
    '--port 4000 --control-port 4100',
    /the control API and marble both have port 4100: choose another --control-port/,
  ),
  start('--port BUSY', /port \d+ of 127\.0\.0\.1, for granite, is in use, perhaps by another Touchstone: .*--port 0/),
  start('--port 0 --control-port BUSY', /for the control API, is in use.*--port 0/),
  start('--port 0 --control-port 0 --host 10.255.255.1', /--host 10\.255\.255\.1 is not an address of this machine/),
  start('--port 0 --host no.such.host.invalid', /--host no\.such\.host\.invalid is not an address of this machine/),
  start('--port 0 --public-url notaurl', /--public-url takes an origin such as https:\/\/ase\.example, not 'notaurl'/),
  start('--port 0 --public-url ftp://x', /--public-url takes an origin/),
  start('--port 0 --public-url http://localhost/path', /--public-url takes an origin/),
  start('--port 0 --public-url http://localhost:65500', /another ASE would have port 65600: choose at most 65435/),
  start('--port 0 --public-url http://localhost:99999', /--public-url takes an origin/),
  start('--port 0 --ase foo', /--ase foo: the world has other ASEs; they are granite, marble/),
  start('--port 0 --ase marbel', /did you mean marble\?/),
  start('--port 0 --serve auth', /--serve needs --ase/),
  start('--port 0 --ase granite --serve nope', /--serve takes auth, identity-provider/),
  start('--port 0 --auth-server notaurl', /--auth-server takes an absolute http\(s\) URL/),
  start('--port 0 --data FILE', /--data cannot use .*not a directory.*: name a directory/),
  start('--port 0 --data FILE/below', /--data cannot use .*not a directory/),
  start('--port 0 --data /proc/x/y', /--data cannot use \/proc\/x\/y \(\w+\): name a directory/),
  start('--port 0', /cannot create a directory in .*\(ENOENT\): set TMPDIR/, { TMPDIR: '/no/such/place' }),
  start('--port 0', /cannot create a directory in .*\(ENOTDIR\): set TMPDIR/, { TMPDIR: main }),
  start('--port 0 --data DIR --database-url postgres://x@localhost/y', /exclude each other: leave one out/),
  start('--port 0 --database-url notaurl', /--database-url takes a URL such as postgres:/),
  start('--port 0 --database-url mysql://x@localhost/y', /--database-url takes a URL such as postgres:/),
  start(
    '--port 0 --database-url postgres://ann:hidden-word@127.0.0.1:1/shop',
    /cannot use the database shop at 127\.0\.0\.1:1 as ann \(ECONNREFUSED\): start PostgreSQL there/,
  ),
  start('--port 0 --database-url postgres://ann@no.such.host.invalid/shop', /database shop at no\.such\.host\.invalid/),
  start('--port 0 --world nope.yaml', /cannot read nope\.yaml \(ENOENT\)/),
  start('--port 0 --world DIR', /cannot read .*\(EISDIR\)/),
  start('--port 0 --tls-cert FILE', /--tls-cert and --tls-key/),
  start('--port 0 --tls-cert FILE --tls-key FILE', /FILE|certificate/),
  start('--port 0 --tls-ca FILE', /--tls-ca needs --tls/),
  start('--port 0 --tls --public-url http://localhost:1', /--public-url must be an https URL/),
  start('--port 0 --failpoint nope', /unknown failpoint nope; the failpoints are payment-stored/),
  start('--port 0 --host 0.0.0.0 --seed 1', /--seed on 0\.0\.0\.0, which is not loopback: change that/),
  start('--port 0 --env /no/such/dir/file', /--env cannot write \/no\/such\/dir\/file \(ENOENT\): name a file/),
  { args: ['ledger'], says: /needs --control-token/ },
  { args: ['ledger', '--control-token', 'x', '--control-port', '1'], says: /no world answers at .*--control-port/ },
  {
    args: ['ledger', '--control-token', 'x'],
    env: { TOUCHSTONE_CONTROL: 'notaurl' },
    says: /TOUCHSTONE_CONTROL takes an http\(s\) URL, not 'notaurl'/,
  },
  {
    args: ['reconcile', '--control-token', 'x', '--peer-control', 'notaurl', '--peer-control-token', 'x'],
    says: /--peer-control takes an http\(s\) URL, not 'notaurl'/,
  },
  { args: ['reconcile', '--control-token', 'x', '--peer-control', 'http://localhost:1'], says: /--peer-control-token/ },
  start('--port 0 --world WORLD', /port \d+ of .*, for bank, is in use, .*: stop it, or change the port in the world/),
  start(
    '--port 0 --database-url postgres://ann:50%@localhost/shop',
    /--database-url takes a URL .*with % written as %25/,
  ),
  start('--port 0 --database-url postgres://x@localhost/y?sslmode=require', /takes no parameters such as sslmode/),
  start('--port 0 --database-replica-url postgres://x@localhost/y', /--database-replica-url needs --database-url/),
  start(
    '--port 0 --database-url postgres://x@localhost/y --database-replica-url postgres://x@localhost/y?sslmode=require',
    /--database-replica-url takes no parameters such as sslmode/,
  ),
  start('--port 0 --database-connections 5', /--database-connections needs --database-url/),
  start(
    '--port 0 --database-url postgres://x@localhost/y --database-connections 1',
    /takes a number from 2 to 1000, not 1/,
  ),
  start('--port 0 --database-url postgres://x@localhost/y --database-connections 1001', /database-connections/),
];

/** In a separate process: the path from a ConfigError to stderr and the exit code. */
const asProcess = [0, 5, 19, 26];

for (const [index, mistake] of started.entries()) {
  test(`${JSON.stringify(mistake.env ?? {})} ${mistake.args.join(' ')}`, async () => {
    const { says, env = {} } = mistake;
    const args = mistake.args.map((arg) =>
      arg
        .replace(/^BUSY$/, String(busyPort))
        .replace(/^FILE/, join(directory, 'file'))
        .replace(/^WORLD$/, join(directory, 'world.yaml'))
        .replace(/^DIR$/, directory),
    );
    const { code, stdout, stderr } = asProcess.includes(index) ? await run({ args, env }) : await runHere(args, env);
    assert.equal(code, 1, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, says);
    assert.match(stderr, /^touchstone: [^\n]+\n$/, 'one line');
    assert.doesNotMatch(stderr, /hidden-word|\bat .*\.ts:\d+|Error:/);
    assert.deepEqual((await readdir(directory)).toSorted(), ['file', 'world.yaml'], 'nothing is left behind');
  });
}
