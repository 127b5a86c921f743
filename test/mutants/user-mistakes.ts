/**
 * Mutants of what the program says of mistakes in options, environment variables, world files and options of the
 * library, and of the end of the program with its parent. Clients cannot see these, so tests have to fail.
 */
import { type Mutant, noticedBy } from './mutant.ts';

const fileTest = 'test/world/definition/file.test.ts';
const brokenFileTest = 'test/world/definition/mistakes.test.ts';
const commandTest = 'test/cli/mistakes.test.ts';
const optionsTest = 'test/cli/options.test.ts';
const libraryTest = 'test/index.test.ts';
const parentTest = 'test/cli/parent.test.ts';

const worldFile: readonly Mutant[] = [
  ...noticedBy(brokenFileTest, 'src/world/definition/yaml.ts', [
    {
      // YAML 1.2 makes numbers of digits, which rounds large ones and drops leading zeros.
      id: 'world-file.scalars-have-types',
      title: 'digits stay as they are written',
      at: 'const schema = «FAILSAFE_SCHEMA».extend',
      by: '(await import("js-yaml")).CORE_SCHEMA',
    },
    {
      id: 'world-file.null-in-any-case',
      title: 'words that YAML 1.1 would change',
      at: 'text === null || «/^(|~|null)$/.test(text)»,',
      by: '/^(|~|null)$/i.test(text)',
    },
    {
      id: 'world-file.syntax-error-with-stack',
      title: 'broken syntax',
      at: 'if («!(error instanceof YAMLException)») throw error;',
      by: 'true',
    },
    {
      id: 'world-file.second-document-unnamed',
      title: 'a second document',
      at: 'if («second !== undefined») {',
      by: 'false',
    },
    {
      id: 'world-file.empty-document-does-not-count',
      title: 'an empty first document',
      at: 'if (hasContent) return index + 1; «hasContent = true»;',
      by: 'undefined',
    },
    {
      id: 'world-file.aliases-without-bound',
      title: 'an alias inside its object',
      at: 'if («hasTooManyValues(document)») {',
      by: 'false',
    },
  ]),
  ...noticedBy(brokenFileTest, 'src/world/definition/document-reader.ts', [
    {
      id: 'world-file.numbers-of-json-rounded',
      title: 'a JSON number that lost digits',
      at: "if («typeof value === 'number' && !isExact(value)») {",
      by: 'false',
    },
    {
      id: 'world-file.numbers-in-other-bases',
      title: 'a hexadecimal port',
      at: "typeof value === 'string' && «/^(0|[1-9][0-9]{0,15})$/.test(value)» ?",
      by: 'true',
    },
    {
      id: 'world-file.amounts-in-other-bases',
      title: 'an octal balance',
      at: 'if («!/^(0|[1-9][0-9]{0,19})$/.test(digits)») return undefined;',
      by: '!/^\\w+$/.test(digits)',
    },
    {
      id: 'world-file.unknown-members-ignored',
      title: 'a far word',
      at: 'if («known.includes(name)») continue;',
      by: 'true',
    },
  ]),
  ...noticedBy(brokenFileTest, 'src/world/definition/consistency.ts', [
    {
      id: 'world-file.origin-shared',
      title: 'two ASEs with one',
      at: '...«findSharedOrigins(world)»);',
      by: '[]',
    },
    {
      id: 'world-file.origin-of-alias-shared',
      title: 'an alias that is the origin',
      at: 'for (const alias of «aliases») mine.set',
      by: '[]',
    },
  ]),
  ...noticedBy(fileTest, 'src/world/definition/consistency.ts', [
    { id: 'world-file.server-hidden', title: 'no server hides', at: '...«findHiddenServers(world)»,', by: '[]' },
  ]),
  ...noticedBy(brokenFileTest, 'src/world/definition/file.ts', [
    {
      id: 'world-file.mistake-without-line',
      title: 'an asset without scale',
      at: 'const line = «lineOf(at)»;',
      by: 'undefined',
    },
    {
      id: 'world-file.mistake-without-file',
      title: 'broken syntax',
      at: 'new ConfigError(«error.message.replaceAll(/^/gm, `${file}: `)»)',
      by: 'error.message',
    },
    {
      id: 'world-file.of-any-size',
      title: 'a large file',
      at: 'if («bytes.length > MAX_FILE_BYTES») throw',
      by: 'false',
    },
    { id: 'world-file.in-any-encoding', title: 'a binary file', at: 'if («!isUtf8(bytes)») throw', by: 'false' },
  ]),
  ...noticedBy(fileTest, 'src/world/definition/file.ts', [
    {
      id: 'world-file.first-mistake-only',
      title: 'all mistakes are reported at once',
      at: "throw new ConfigError(«sentences.join('\\n')»);",
      by: 'sentences[0]',
    },
  ]),
  ...noticedBy(brokenFileTest, 'src/errors.ts', [
    {
      id: 'mistakes.far-suggestion',
      title: 'a far word',
      at: 'best && «best.edits <= (letters < 4 ? 1 : Math.max(2, letters / 3))» ?',
      by: 'true',
    },
  ]),
];

const command: readonly Mutant[] = [
  ...noticedBy(commandTest, 'src/cli/parse-config.ts', [
    {
      id: 'options.yes-is-off',
      title: 'booleans have the usual spellings',
      at: 'return «yes.includes(word)»;',
      by: "word === 'true'",
    },
    {
      id: 'options.any-boolean',
      title: 'TOUCHSTONE_SIGN_IN',
      at: 'if («!yes.includes(word) && !no.includes(word)») {',
      by: 'false',
    },
    {
      id: 'options.value-may-be-an-option',
      title: 'start --seed --json',
      at: "const isForgotten = next === undefined || «table.some(([, each]) => next.split('=', 1)[0] === `--${each.flag}`)»;",
      by: 'false',
    },
    {
      id: 'options.unknown-variable-unnamed',
      title: 'a variable that no option takes',
      at: ".filter((name) => «name.startsWith('TOUCHSTONE_') && !known.includes(name) && !otherVariables.test(name)»)",
      by: 'false',
    },
  ]),
  ...noticedBy('test/grade/reports/pages.test.ts', 'src/report/terminal.ts', [
    {
      id: 'terminal.reason-on-one-line',
      title: 'a reason of several lines',
      at: '«visibleLines(shorten(reason, MAX_VALUE))».flatMap(wrap)',
      by: '[visible(reason)]',
    },
  ]),
  ...noticedBy(commandTest, 'src/cli/run.ts', [
    {
      id: 'options.unknown-variable-ignored',
      title: 'a command reports',
      at: 'for (const warning of «warnOfVariables(env)»)',
      by: '[]',
    },
  ]),
  ...noticedBy(optionsTest, 'src/cli/parse-config.ts', [
    {
      id: 'options.empty-value-taken',
      title: 'an empty value is refused',
      at: "if («text === ''») throw new ConfigError(`${source} is empty",
      by: 'false',
    },
  ]),
  ...noticedBy(commandTest, 'src/cli/preflight.ts', [
    {
      id: 'options.undecodable-database-url',
      title: 'ann:50%@localhost',
      at: '«!isDecodable(url.username + url.password + url.pathname)»',
      by: 'false',
    },
    {
      id: 'options.database-parameters-passed-over',
      title: 'sslmode=require',
      at: "if («url.search !== ''») {",
      by: 'false',
    },
    { id: 'options.port-too-high', title: '--port 65000', at: 'if («tooHigh») {', by: 'false' },
    {
      id: 'options.port-of-two',
      title: '--port 4000 --control-port 4100',
      at: 'if («sharing !== undefined») {',
      by: 'false',
    },
    {
      id: 'options.public-port-too-high',
      title: '--public-url http://localhost:65500',
      at: 'if («first + last > MAX_PORT») {',
      by: 'false',
    },
    {
      id: 'options.public-url-of-any-scheme',
      title: '--public-url ftp',
      at: 'const isOrigin = url && «/^https?:$/.test(url.protocol)» &&',
      by: 'true',
    },
    { id: 'options.unknown-ase', title: '--ase foo', at: 'if («hosted.length > 0») return hosted;', by: 'true' },
    {
      id: 'options.port-in-use-with-stack',
      title: '--port BUSY',
      at: 'throw «explainListenError(error as NodeJS.ErrnoException, used)»;',
      by: 'error',
    },
    {
      id: 'options.data-with-stack',
      title: '--data /proc/x/y',
      at: 'throw «new ConfigError(`--data cannot use ${directory} (${reason}): name a directory in which you can write`)»;',
      by: 'error',
    },
  ]),
  ...noticedBy(commandTest, 'src/cli/start.ts', [
    {
      id: 'options.database-with-stack',
      title: '127.0.0.1:1/shop',
      at: 'throw «explainDatabaseError(error, config.databaseUrl)»;',
      by: 'error',
    },
    {
      id: 'options.files-left-behind',
      title: '--tls-cert FILE --tls-key FILE',
      at: 'await deployment?.close(); «files.remove()»;',
      by: 'undefined',
    },
  ]),
];

const library: readonly Mutant[] = noticedBy(libraryTest, 'src/index.ts', [
  {
    id: 'library.unknown-option-ignored',
    title: 'a wrong option is one sentence',
    at: 'if («!Object.hasOwn(checks, name)») {',
    by: 'false',
  },
  {
    id: 'library.any-value',
    title: 'a wrong option is one sentence',
    at: 'return value === undefined || «accepts(value)» ? []',
    by: 'true',
  },
]);

const parent: readonly Mutant[] = [
  ...noticedBy(parentTest, 'src/cli/parent.ts', [
    {
      id: 'parent.make-not-watched',
      title: 'only launchers are watched',
      at: '.findLastIndex(({ name }) => «launchers.test(name)»);',
      by: '/^npm/.test(name)',
    },
    {
      id: 'parent.supervisor-not-watched',
      title: 'only launchers are watched',
      at: 'return ancestors.slice(0, «last + (isSupervised ? 2 : 1)»);',
      by: 'last + 1',
    },
    {
      id: 'parent.closed-input-goes-on',
      title: 'a pipe on standard input',
      at: 'if («isSupervised && isPipe(0)») watchStandardInput(report);',
      by: 'false',
    },
  ]),
  ...noticedBy(parentTest, 'src/cli/lifetime.ts', [
    { id: 'parent.goes-on-alone', title: 'sh -c: SIGTERM', at: 'if («!detached») watchParent', by: 'false' },
  ]),
];

export const userMistakeMutants: readonly Mutant[] = [...worldFile, ...command, ...library, ...parent];
