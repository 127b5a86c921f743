/**
 * Generates `generated/` from the OpenAPI documents and the overlays: types, routes, error codes, validators, documents.
 *   node codegen/generate.ts                 writes `generated/`
 *   node codegen/generate.ts --check         writes nothing; fails if `generated/` is out of date
 *   node codegen/generate.ts --update-lock   accepts the installed upstream package into the lock, then generates
 *   SPEC_DIR=…                            reads the upstream documents from a directory and skips the lock
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { dreddDocuments, printDraft7Schemas, printSkeleton } from './dredd.ts';
import { printErrorCodes } from './error-codes.ts';
import { type JsonObject, sha256 } from './json.ts';
import { listOperations } from './operations.ts';
import { applyOverlay } from './overlay.ts';
import { stripProse } from './prose.ts';
import { checkJava, generateRoutes } from './routes.ts';
import {
  checkLock,
  checkReferences,
  computeLock,
  type GenerationConfig,
  parseYaml,
  readInterpretations,
  readSource,
  upstreamDirectory,
} from './source.ts';
import { printTypes } from './types.ts';
import { printValidators } from './validators.ts';

const root = join(import.meta.dirname, '..');

interface Loaded {
  readonly documents: Map<string, JsonObject>;
  /** Input file → sha256. */
  readonly inputs: Record<string, string>;
  /** Repairs that the documents no longer need. */
  readonly warnings: readonly string[];
}

/** Reads, overlays and strips every document. Throws if an operationId occurs twice. */
export function loadDocuments(config: GenerationConfig, specDirectory: string | undefined): Loaded {
  const lock = computeLock(root, config);
  const upstream = upstreamDirectory(root, config, specDirectory);
  const upstreamLabel = specDirectory === undefined ? `${lock.package}@${lock.version}` : 'SPEC_DIR';
  const interpretations = readInterpretations(readFileSync(join(root, config.interpretations), 'utf8'));
  const documents = new Map<string, JsonObject>();
  const inputs: Record<string, string> = {};
  const warnings: string[] = [];
  const owners = new Map<string, string>();
  for (const [name, entry] of Object.entries(config.documents)) {
    const source = readSource(root, name, entry, upstream, upstreamLabel);
    inputs[source.label] = source.sha256;
    let document = source.document;
    checkReferences(document, document, `${source.label} (version ${(document['info'] as JsonObject)['version']})`);
    for (const file of entry.overlays) {
      const text = readFileSync(join(root, file), 'utf8');
      inputs[file] = sha256(text);
      document = inFile(file, () =>
        applyOverlay(document, parseYaml(text, file), interpretations, (text) => warnings.push(`${file}: ${text}`)),
      );
    }
    document = stripProse(document, name);
    for (const { id } of inFile(source.label, () => listOperations(document))) {
      if (owners.has(id)) throw new Error(`operationId ${id} is used in ${owners.get(id)} and in ${name}`);
      owners.set(id, name);
    }
    documents.set(name, document);
  }
  return { documents, inputs, warnings };
}

function inFile<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Throws unless the installed generators have the pinned versions, because the output depends on them. */
function checkGenerators(config: GenerationConfig): void {
  for (const [name, pinned] of Object.entries(config.generators)) {
    const installed =
      name === 'openapi-generator'
        ? readJson<{ 'generator-cli': { version: string } }>('openapitools.json')['generator-cli'].version
        : readJson<{ version: string }>(join('node_modules', name, 'package.json')).version;
    if (installed !== pinned) throw new Error(`${name} is ${installed}, but codegen.config.json pins ${pinned}`);
  }
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
}

/** Writes all outputs below `target`, which it creates; `work` is a scratch directory. */
async function writeOutputs(config: GenerationConfig, loaded: Loaded, target: string, work: string): Promise<void> {
  const outputs: Record<string, string> = {};
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    writeFileSync(join(target, file), text);
    outputs[file] = sha256(text);
  };
  const routes = generateRoutes(root, work, config.templates, loaded.documents);
  for (const [name, document] of loaded.documents) {
    const validators = inFile(name, () => printValidators(document));
    write(`${name}/document.json`, `${JSON.stringify(document, null, 2)}\n`);
    write(`${name}/types.ts`, await printTypes(document));
    write(`${name}/routes.ts`, routes.get(name)!);
    write(`${name}/errors.ts`, printErrorCodes(document));
    write(`${name}/validators.js`, validators.code);
    write(`${name}/validators.d.ts`, validators.types);
    if (!dreddDocuments.includes(name)) continue;
    write(`dredd/${name}.json`, printSkeleton(document));
    write(`dredd/${name}.schemas.json`, printDraft7Schemas(document));
  }
  const templates = readdirSync(join(root, config.templates)).sort();
  const files = ['codegen.config.json', ...templates.map((file) => join(config.templates, file))];
  const own = Object.fromEntries(files.map((file) => [file, sha256(readFileSync(join(root, file)))]));
  const manifest = { inputs: { ...loaded.inputs, ...own }, generators: config.generators, outputs };
  writeFileSync(join(target, 'MANIFEST.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Names of files that differ between two directories or exist in only one of them. */
export function listDifferences(left: string, right: string): string[] {
  const files = (directory: string) =>
    existsSync(directory)
      ? readdirSync(directory, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
      : [];
  const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
  return [...new Set([...files(left), ...files(right)])]
    .sort()
    .filter((file) => read(join(left, file)) !== read(join(right, file)));
}

async function main(args: readonly string[]): Promise<void> {
  const unknown = args.find((arg) => arg !== '--check' && arg !== '--update-lock');
  if (unknown !== undefined) throw new Error(`unknown argument ${unknown}; known: --check, --update-lock`);
  checkJava();
  const config = readJson<GenerationConfig>('codegen.config.json');
  checkGenerators(config);
  const specDirectory = process.env['SPEC_DIR'];
  if (args.includes('--update-lock')) {
    writeFileSync(join(root, config.upstream.lock), `${JSON.stringify(computeLock(root, config), null, 2)}\n`);
  }
  if (specDirectory) console.error(`SPEC_DIR is set: ${config.upstream.lock} is not checked`);
  else checkLock(computeLock(root, config), readJson(config.upstream.lock), config.upstream.lock);

  const scratch = mkdtempSync(join(tmpdir(), 'touchstone-generate-'));
  try {
    const fresh = join(scratch, 'generated');
    const loaded = loadDocuments(config, specDirectory || undefined);
    for (const warning of loaded.warnings) console.error(warning);
    await writeOutputs(config, loaded, fresh, join(scratch, 'work'));
    const target = join(root, config.output);
    const differences = listDifferences(target, fresh);
    if (args.includes('--check')) {
      if (differences.length > 0) throw new Error(`generated files are not up to date: ${differences.join(', ')}`);
      console.error('generated files are up to date');
      return;
    }
    rmSync(target, { recursive: true, force: true });
    cpSync(fresh, target, { recursive: true });
    console.error(differences.length > 0 ? `changed: ${differences.join(', ')}` : 'no difference');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
