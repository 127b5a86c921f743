/** The options of `touchstone check`. Those about the target stand for the variables that `touchstone start` prints. */
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { didYouMean } from '../../src/errors.ts';
import { type RandomCases, usualCases } from './check.ts';

export const usage = `usage: touchstone check [options], or touchstone explain CHECK-ID

The target, unless TOUCHSTONE_* variables name it:
  --start                     start a fresh world, check it and stop it
  --database-url URL          with --start: on this PostgreSQL server, in a database of the run's own
  --wallet-address URL        a wallet address with money
  --receiver URL              a wallet address at another ASE, or at the same
  --client URL                wallet address of the client, whose key set has the key
  --key-id ID                 id of the key
  --private-key FILE          the key: Ed25519, PKCS #8, PEM
  --ca FILE                   a certificate authority to accept, in PEM
  --control URL               control API of a Touchstone, with --control-token
  --control-token TOKEN
  --back-channel URL          API for identity providers, as Rafiki's, with --back-channel-secret
  --back-channel-secret SECRET
  --local-servers             the target may call this machine; implied where it is this machine

Consent of the owner: by default, redirects alone must lead to the finish URI.
  --consent back-channel      the checks accept over the back channel
  --consent browser           takes steps on the page in Chromium, by Playwright (npm install playwright-core)
  --consent-step STEP         "click SELECTOR", or "fill SELECTOR = VALUE", where $NAME is a variable; repeat it for each
                              step. Default: "click button[value=accept]"
  --consent-command COMMAND   opens the URL in TOUCHSTONE_INTERACTION and prints where it ended
  --consent-hook URL          answers a POST of {"interaction": URL} with {"location": URL}

The run:
  --yes                       a target on another machine may be charged; without it or --budget, the run only says
                              what it will create and spend
  --budget AMOUNT             spend at most this, such as 12.50, in the asset of the wallet address; checks that would
                              spend more are not applicable
  --rate N                    at most N requests per second
  --profile NAME              compat, strict, or with --start both: the profile to start with, or to require
  --only PATTERN              run the check with this id, the checks of this row, or those whose id matches this
                              regular expression
  --own                       the target is Touchstone, so all levels but should and note count; implied by --start
  --properties                also send requests drawn at random from the schemas of the documents
  --seed SEED                 draw others: a number, random, or what the report of a failure names
  --cases N                   requests of each property, beside those that it always sends; default ${usualCases.cases}
  --dredd                     with --start, in a checkout: also let Dredd compare every declared answer
  --strict                    warnings fail the run as well
  --report DIR                write HTML, JSON, JUnit, SARIF, NDJSON, Markdown and a badge to this directory
  --json FILE                 write the JSON report to this file
  --baseline FILE             expect the failures that this YAML or JSON file lists; one that passes fails the run
  --write-baseline FILE       write the failures of this run to a file for --baseline, and expect them
  --verbose                   list passed checks too`;

const targetOptions = {
  'wallet-address': 'TOUCHSTONE_WALLET_ADDRESS',
  receiver: 'TOUCHSTONE_RECEIVER',
  client: 'TOUCHSTONE_CLIENT',
  'key-id': 'TOUCHSTONE_KEY_ID',
  'private-key': 'TOUCHSTONE_PRIVATE_KEY_FILE',
  ca: 'TOUCHSTONE_CA',
  control: 'TOUCHSTONE_CONTROL',
  'control-token': 'TOUCHSTONE_CONTROL_TOKEN',
  'back-channel': 'TOUCHSTONE_BACK_CHANNEL',
  'back-channel-secret': 'TOUCHSTONE_BACK_CHANNEL_SECRET',
  consent: 'TOUCHSTONE_CONSENT',
  'consent-command': 'TOUCHSTONE_CONSENT_COMMAND',
  'consent-hook': 'TOUCHSTONE_CONSENT_HOOK',
} as const;

/** An option for a key replaces all variables that could hold one. */
const otherKeys = ['TOUCHSTONE_PRIVATE_KEY', 'TOUCHSTONE_PRIVATE_KEY_BASE64'];

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

const optionTypes = {
  ...{ start: flag, yes: flag, own: flag, strict: flag, verbose: flag, help: flag, properties: flag, dredd: flag },
  'local-servers': flag,
  'database-url': text,
  ...{ profile: text, only: text, json: text, rate: text, budget: text, seed: text, cases: text },
  'consent-step': { type: 'string', multiple: true },
  ...{ report: text, baseline: text, 'write-baseline': text },
  ...(Object.fromEntries(Object.keys(targetOptions).map((name) => [name, text])) as Record<
    keyof typeof targetOptions,
    typeof text
  >),
} as const satisfies ParseArgsConfig['options'];

/** The mistake of a command line in one sentence with a remedy. */
function explainMistake(error: Error & { code?: string }): Error {
  const [, given = ''] = /'([^']*)'/.exec(error.message) ?? [];
  const name = given.split(/[ ,=]/)[0]!;
  const remedy = '; touchstone check --help lists the options';
  switch (error.code) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
      const known = Object.keys(optionTypes).map((each) => `--${each}`);
      return new Error(`unknown option ${name}${didYouMean(name, known) || remedy}`);
    }
    case 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL':
      return new Error(`unexpected argument '${given}'; a wallet address follows --wallet-address${remedy}`);
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
      return new Error(
        `${name} ${error.message.includes('does not take') ? 'takes no value' : 'needs a value'}${remedy}`,
      );
    default:
      return error;
  }
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTypes }).values;
  } catch (error) {
    throw explainMistake(error as Error);
  }
}

export function parseOptions(args: readonly string[]) {
  const values = parseArguments(args);
  const { consent, rate, start } = values;
  if (consent !== undefined && !['back-channel', 'browser'].includes(consent))
    throw new Error('--consent takes back-channel or browser');
  if (rate !== undefined && !/^[1-9]\d{0,3}$/.test(rate)) throw new Error('--rate takes a whole number up to 9999');
  if (values.dredd && !start) throw new Error('--dredd needs --start, because it injects faults');
  if (values['database-url'] !== undefined && !start) throw new Error('--database-url needs --start');
  for (const name of ['json', 'write-baseline'] as const) checkPlace(name, values[name]);
  return values;
}

/** Before the run, so that no result is lost for want of a place. */
function checkPlace(name: string, file: string | undefined): void {
  if (file === undefined) return;
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`--${name} cannot write ${file} (${code}): name a file in a directory in which you can write`);
  }
}

/** `--seed SEED` or `--seed SEED/PATH`, and `--cases N`. */
export function parseRandom({ seed, cases }: { seed?: string | undefined; cases?: string | undefined }): RandomCases {
  const number = cases ?? String(usualCases.cases);
  if (!/^[1-9]\d{0,5}$/.test(number)) throw new Error('--cases takes a whole number up to 999999');
  if (seed === undefined) return { ...usualCases, cases: Number(number) };
  if (seed === 'random') return { seed: Date.now() % 2 ** 31, cases: Number(number) };
  const [, text, path] = /^(-?\d{1,10})(?:\/(\d+(?::\d+)*))?$/.exec(seed) ?? [];
  if (text === undefined) throw new Error('--seed takes a number, random, or the seed that a failure names');
  return { seed: Number(text), path, cases: Number(number) };
}

export type Options = ReturnType<typeof parseOptions>;

/** The variables that name the target; options replace those of the environment. */
export function targetVariables(
  options: Options,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const named = Object.entries(targetOptions).flatMap(([option, variable]) => {
    const value = options[option as keyof typeof targetOptions];
    return value === undefined ? [] : [[variable, value] as const];
  });
  const replaced = options['private-key'] === undefined ? [] : otherKeys.map((name) => [name, undefined] as const);
  const steps = options['consent-step'];
  const walked = steps === undefined ? [] : [['TOUCHSTONE_CONSENT_STEPS', steps.join('\n')] as const];
  const local = options['local-servers'] ? [['TOUCHSTONE_LOCAL_SERVERS', 'true'] as const] : [];
  return { ...environment, ...Object.fromEntries([...replaced, ...named, ...walked, ...local]) };
}
