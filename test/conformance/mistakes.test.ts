/** Mistakes of the user of `touchstone check`: each is one sentence with a remedy, before a check has run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../conformance/runner/options.ts';
import { parseTarget } from '../../conformance/runner/target.ts';
import { prepareReportDirectory } from '../../src/report/directory.ts';

const mistakes: readonly (readonly [args: string, says: RegExp])[] = [
  ['--reciever x', /^unknown option --reciever; did you mean --receiver\?$/],
  ['--zzzzzzz', /^unknown option --zzzzzzz; touchstone check --help lists the options$/],
  ['-x', /^unknown option -x; /],
  [
    'https://a.example/alice',
    /^unexpected argument 'https:\/\/a.example\/alice'; a wallet address follows --wallet-address; /,
  ],
  ['--rate', /^--rate needs a value; touchstone check --help/],
  ['--budget --yes', /^--budget needs a value; /],
  ['--start=yes', /^--start takes no value; /],
  ['--rate x', /^--rate takes a whole number/],
  ['--consent maybe', /^--consent takes back-channel or browser/],
  ['--json /no/such/place/x', /^--json cannot write \/no\/such\/place\/x \(ENOENT\): name a file/],
  ['--write-baseline /no/such/place/x', /^--write-baseline cannot write .*: name a file/],
];

for (const [args, says] of mistakes) {
  test(args, () => {
    assert.throws(
      () => parseOptions(args.split(' ')),
      (error: Error) => says.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('each variable that is not a URL is named', () => {
  const target = { TOUCHSTONE_CONTROL: 'ftp://x', TOUCHSTONE_CONSENT_HOOK: 'localhost:1', TOUCHSTONE_CLIENT: 'x' };
  for (const [name, value] of Object.entries(target)) {
    assert.throws(() => parseTarget(target), {
      message: new RegExp(`- ${name} is not an absolute http\\(s\\) URL: ${value}`),
    });
  }
});

test('a place in which no directory can be made is refused, and the search for it ends', async () => {
  await assert.rejects(
    prepareReportDirectory('/proc/x/y'),
    /--report cannot use \/proc\/x\/y \(\w+\): name a directory/,
  );
  await assert.rejects(
    prepareReportDirectory(`${import.meta.filename}/below`),
    /--report cannot use .*\(ENOTDIR\): name a directory/,
  );
});
