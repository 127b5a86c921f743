/** Runs openapi-generator once for all documents with a custom template and collects the route tables. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { JsonObject } from './json.ts';

const OLDEST_JAVA = 11;

/** Throws an error that says what to install unless the PATH has a recent enough Java runtime. */
export function checkJava(): void {
  const run = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(?:1\.)?(\d+)/.exec(`${run.stderr ?? ''}${run.stdout ?? ''}`)?.[1] ?? 0);
  if (run.error === undefined && run.status === 0 && major >= OLDEST_JAVA) return;
  throw new Error(
    `Generation needs a Java runtime ${OLDEST_JAVA} or newer on the PATH (Debian: apt-get install default-jre-headless; ` +
      `macOS: brew install openjdk)${major > 0 ? `, found Java ${major}` : ''}; nothing but generation does.`,
  );
}

/** Document name → text of its `routes.ts`. Writes only below `work`. */
export function generateRoutes(
  root: string,
  work: string,
  templates: string,
  documents: ReadonlyMap<string, JsonObject>,
): Map<string, string> {
  mkdirSync(work, { recursive: true });
  const ignore = join(work, 'ignore');
  writeFileSync(ignore, 'api/**\nmodel/**\n*.ts\n!routes.ts\n');
  const configs = [...documents].map(([name, document]) => {
    const input = join(work, `${name}.json`);
    writeFileSync(input, JSON.stringify(document));
    const config = join(work, `${name}.config.json`);
    writeFileSync(config, JSON.stringify(generatorConfig(root, templates, input, join(work, name), ignore)));
    return config;
  });
  const cli = createRequire(join(root, 'package.json')).resolve('@openapitools/openapi-generator-cli/main.js');
  // The tool looks for openapitools.json in $PWD, not in its working directory.
  const run = spawnSync(process.execPath, [cli, 'batch', '--fail-fast', ...configs], {
    cwd: root,
    env: { ...process.env, PWD: root },
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(explainFailure(`${run.stdout}\n${run.stderr}`));
  return new Map([...documents.keys()].map((name) => [name, readFileSync(join(work, name, 'routes.ts'), 'utf8')]));
}

/** `apis: ''` fills the template's `apiInfo`; the ignore file keeps every other output from being written. */
function generatorConfig(root: string, templates: string, input: string, output: string, ignore: string): JsonObject {
  return {
    generatorName: 'typescript-node',
    templateDir: join(root, templates),
    globalProperties: { apis: '', apiDocs: 'false', apiTests: 'false', supportingFiles: 'routes.ts' },
    files: { 'routes.mustache': { templateType: 'SupportingFiles', destinationFilename: 'routes.ts' } },
    inputSpec: input,
    outputDir: output,
    ignoreFileOverride: ignore,
  };
}

/** The error messages from the output, without minified source and stack traces. */
function explainFailure(output: string): string {
  const jar = /Unable to access jarfile (\S+)/.exec(output)?.[1];
  if (jar !== undefined) {
    return `openapi-generator could not be fetched from Maven Central (https://repo1.maven.org) to ${jar}; once there, it is used offline.`;
  }
  const lines = output.split('\n').filter((line) => line.trim() !== '' && line.length < 300 && !/^\s+at /.test(line));
  return `openapi-generator failed:\n${lines.slice(-15).join('\n')}`;
}
