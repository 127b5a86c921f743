/**
 * Bundles the program and the library, with the packages that they import, into some files of `dist/src`: a start that
 * loads eight hundred modules takes twice the CPU time. `make build` runs it.
 *
 * The code is not minified, so that stack traces name functions and lines that can be read.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

/**
 * Packages that find files beside their code, that only migrations load, or that users install if they want them, and
 * one that needs these.
 */
const external = ['@electric-sql/pglite', '@mikro-orm/*', '@opentelemetry/*', 'fs-native-extensions', 'prom-client'];

/** `pg` goes on without it. */
const OPTIONAL = 'pg-native';

const root = join(import.meta.dirname, '..');

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts', 'src/index.ts'],
  outdir: 'dist/src',
  // The code looks for files beside it, so all of it is in one directory.
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  external: [...external, OPTIONAL],
  // With this, CommonJS packages load modules of Node.js.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
  },
  // They are in licenses.txt.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
checkRequired(metafile);
writeFileSync(join(root, 'dist', 'licenses.txt'), describeLicenses(metafile));

/** A package in the bundle must not need one outside of it, which nothing would install. */
function checkRequired({ outputs }: Metafile): void {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  const required = imports.filter(({ kind, path }) => kind === 'require-call' && !isBuiltin(path) && path !== OPTIONAL);
  if (required.length > 0) throw new Error(`needed by the bundle: ${required.map(({ path }) => path).join(', ')}`);
}

/** The licence of each package in the bundle, which must be distributed with it. */
function describeLicenses({ outputs }: Metafile): string {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const packages = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  const sections = [...new Set(packages)].sort().map((directory) => {
    const { name, version, license, homepage } = JSON.parse(
      readFileSync(join(root, directory, 'package.json'), 'utf8'),
    ) as Record<string, string>;
    const texts = readdirSync(join(root, directory))
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .map((file) => readFileSync(join(root, directory, file), 'utf8').trim());
    if (!license && texts.length === 0) throw new Error(`${name} has no licence`);
    const title = [name, version, license, homepage].filter(Boolean).join(' · ');
    return [title, ...texts].join('\n\n');
  });
  const heading = 'The files in src/ contain the following packages.';
  return `${[heading, ...sections].join(`\n\n${'─'.repeat(80)}\n\n`)}\n`;
}
