/**
 * Reads the source documents: upstream ones from the locked package (or from `SPEC_DIR`), the others from `spec/`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CORE_SCHEMA, load } from 'js-yaml';
import { isObject, type Json, type JsonObject, readPointer, sha256 } from './json.ts';

export interface DocumentConfig {
  readonly upstream?: string;
  readonly own?: string;
  readonly overlays: readonly string[];
}

export interface GenerationConfig {
  readonly output: string;
  readonly interpretations: string;
  readonly templates: string;
  readonly upstream: { readonly package: string; readonly directory: string; readonly lock: string };
  readonly generators: Readonly<Record<string, string>>;
  readonly documents: Readonly<Record<string, DocumentConfig>>;
}

export interface Source {
  readonly document: JsonObject;
  /** Name in the manifest, without machine-specific paths. */
  readonly label: string;
  readonly sha256: string;
}

/** Content of `spec.lock.json`: the package version and the digest of each document. */
export interface SpecLock {
  readonly package: string;
  readonly version: string;
  readonly sha256: Readonly<Record<string, string>>;
}

/** The directory of upstream documents: `SPEC_DIR` if set, otherwise the installed package. */
export function upstreamDirectory(root: string, config: GenerationConfig, specDirectory: string | undefined): string {
  return specDirectory ?? join(root, 'node_modules', config.upstream.package, config.upstream.directory);
}

/** Reads one source document. Throws if the file is missing, is not an OpenAPI 3.1 document, or needs another file. */
export function readSource(
  root: string,
  name: string,
  entry: DocumentConfig,
  upstream: string,
  upstreamLabel: string,
): Source {
  const own = entry.own;
  const file = own === undefined ? join(upstream, entry.upstream ?? `${name}.yaml`) : join(root, own);
  if (!existsSync(file)) throw new Error(`the document ${name} is missing: ${file}`);
  const bytes = readFileSync(file);
  const document = parseYaml(bytes.toString('utf8'), file);
  const { openapi } = document;
  if (typeof openapi !== 'string' || !openapi.startsWith('3.1.') || !isObject(document['paths'])) {
    throw new Error(`${file} is not an OpenAPI 3.1 document`);
  }
  const label = own ?? `${upstreamLabel}/${entry.upstream ?? `${name}.yaml`}`;
  refuseSharedSchemas(document, `${label} (version ${(document['info'] as JsonObject)['version']})`);
  return { document, label, sha256: sha256(bytes) };
}

/** Throws if a reference leads to another file, as in the versions up to 1.0.1. */
function refuseSharedSchemas(node: Json | undefined, file: string): void {
  if (typeof node !== 'object' || node === null) return;
  const reference = isObject(node) ? node['$ref'] : undefined;
  if (typeof reference === 'string' && !reference.startsWith('#/')) {
    throw new Error(`${file} refers to another file, ${reference}; documents that share schemas are not supported`);
  }
  for (const value of Object.values(node)) refuseSharedSchemas(value, file);
}

/** Throws if a reference leads to nothing, or from a schema to a parameter. */
export function checkReferences(document: JsonObject, node: Json, file: string): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    const reference = isObject(value) ? value['$ref'] : undefined;
    if (typeof reference === 'string') {
      if (readPointer(document, reference) === undefined)
        throw new Error(`${file} lacks ${reference}, to which it refers`);
      if (key === 'schema' && reference.startsWith('#/components/parameters/')) {
        throw new Error(`${file} refers to the parameter ${reference} where OpenAPI demands a schema`);
      }
    }
    checkReferences(document, value, file);
  }
}

/** Parses YAML with JSON types only, so that dates stay strings. */
export function parseYaml(text: string, file: string): JsonObject {
  const value = load(text, { schema: CORE_SCHEMA, filename: file });
  if (!isObject(value)) throw new Error(`${file} is not an object`);
  return value;
}

/** Computes the lock of the installed package. */
export function computeLock(root: string, config: GenerationConfig): SpecLock {
  const manifest = readFileSync(join(root, 'node_modules', config.upstream.package, 'package.json'), 'utf8');
  const directory = upstreamDirectory(root, config, undefined);
  const files = Object.values(config.documents).flatMap((entry) => entry.upstream ?? []);
  return {
    package: config.upstream.package,
    version: (JSON.parse(manifest) as { version: string }).version,
    sha256: Object.fromEntries(files.map((file) => [file, sha256(readFileSync(join(directory, file)))])),
  };
}

/** Throws unless the installed package is the one that `spec.lock.json` names, byte for byte. */
export function checkLock(installed: SpecLock, locked: SpecLock, lockFile: string): void {
  const differing = [...new Set([...Object.keys(installed.sha256), ...Object.keys(locked.sha256)])].filter(
    (file) => installed.sha256[file] !== locked.sha256[file],
  );
  if (installed.package === locked.package && installed.version === locked.version && differing.length === 0) return;
  throw new Error(
    `${installed.package}@${installed.version} is not what ${lockFile} locks (${locked.package}@${locked.version}` +
      `${differing.length > 0 ? `; different: ${differing.join(', ')}` : ''}). ` +
      'Run `npm ci` to get the locked version, or accept the new one with `node codegen/generate.ts --update-lock`.',
  );
}

/** The ids that `interpretations.md` defines: its headings `## OPI-nnn …`. Throws on a duplicate id. */
export function readInterpretations(text: string): Set<string> {
  const ids = [...text.matchAll(/^## (OPI-\d{3})\b/gm)].map((match) => match[1]!);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new Error(`${twice} is defined twice`);
  return new Set(ids);
}
