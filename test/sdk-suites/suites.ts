/** The integration suites of the official SDKs: where they are, what they need, and how their results are read. */

export interface SuiteCounts {
  readonly passed: number;
  readonly failed: number;
  /** Tests that did nothing, even if the suite calls them passed. */
  readonly skipped: number;
}

export interface Suite {
  readonly name: string;
  /** In `examples/NAME/README.md`; the section has two blocks of commands: to build, and to run. */
  readonly heading: string;
  readonly repository: string;
  /** Number of tests in the revision of the README. */
  readonly tests: number;
  /** Shell commands that fail where the suite cannot run, each with what it looks for. */
  readonly needs: Readonly<Record<string, string>>;
  /** Reads what the suite printed. */
  count(output: string): SuiteCounts;
}

const numberOf = (output: string, pattern: RegExp): number => [...output.matchAll(pattern)].length;
const numberIn = (output: string, pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0);

/** `N passed, N failed, N skipped`, as the snippets end. */
const countLastLine = (output: string): SuiteCounts => ({
  passed: numberIn(output, /^(\d+) passed, /m),
  failed: numberIn(output, /^\d+ passed, (\d+) failed/m),
  skipped: numberIn(output, /, (\d+) skipped$/m),
});
const checkPhp =
  'exit(PHP_VERSION_ID < 80300 || array_diff(["curl", "sodium", "bcmath"], get_loaded_extensions()) ? 1 : 0);';

const CHROMIUM = 'test -x /usr/bin/chromium';

export const suites: readonly Suite[] = [
  {
    name: 'node',
    heading: 'The official snippets',
    repository: 'https://github.com/interledger/open-payments-snippets',
    tests: 26,
    needs: { 'npm registry': 'npm ping' },
    count: countLastLine,
  },
  {
    name: 'go',
    heading: 'The integration suite of the SDK',
    repository: 'https://github.com/interledger/open-payments-go',
    tests: 15,
    needs: { Go: 'go version', '/usr/bin/chromium': CHROMIUM },
    count: (output) => ({
      passed: numberOf(output, /^--- PASS: /gm),
      failed: numberOf(output, /^--- FAIL: /gm),
      skipped: numberOf(output, /^--- SKIP: /gm),
    }),
  },
  {
    name: 'rust',
    heading: 'The integration suite of the SDK',
    repository: 'https://github.com/interledger/open-payments-rust',
    tests: 6,
    needs: {
      cargo: 'cargo --version',
      '/usr/bin/chromium': CHROMIUM,
      chromedriver: 'chromedriver --version',
    },
    count(output) {
      const skipped = numberOf(output, /^Skipping test_/gm);
      return {
        passed: numberIn(output, /^test result: .* (\d+) passed;/m) - skipped,
        failed: numberIn(output, /^test result: .* (\d+) failed;/m),
        skipped,
      };
    },
  },
  {
    name: 'python',
    heading: 'The tests of the SDK',
    repository: 'https://github.com/interledger/open-payments-python-sdk',
    tests: 5,
    needs: { 'Python with venv and pip': 'python3 -c "import venv, ensurepip"' },
    count: (output) => ({
      passed: numberIn(output, /^=.* (\d+) passed/m),
      failed: numberIn(output, /^=.* (\d+) failed/m) + numberIn(output, /^=.* (\d+) error/m),
      skipped: numberIn(output, /^=.* (\d+) skipped/m),
    }),
  },
  {
    name: 'php',
    heading: 'The official snippets',
    repository: 'https://github.com/interledger/open-payments-php-snippets',
    tests: 27,
    needs: {
      'PHP 8.3 with curl, sodium and bcmath': `php -r '${checkPhp}'`,
      Composer: 'composer --version',
      Packagist: 'curl -sfo /dev/null --max-time 20 https://repo.packagist.org/packages.json',
    },
    count: countLastLine,
  },
];

/** The two blocks of shell commands below a heading: to build with the network, and to run without. */
export function readCommands(readme: string, heading: string): { readonly build: string; readonly run: string } {
  const [, section] = readme.split(`\n## ${heading}\n`);
  const blocks = [...(section?.split(/^## /m)[0] ?? '').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const [build, run] = blocks;
  if (build === undefined || run === undefined || blocks.length > 2) {
    throw new Error(`the section “${heading}” has ${blocks.length} blocks of commands instead of two`);
  }
  return { build, run };
}
