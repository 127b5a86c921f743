/**
 * `SPEC_DIR=… node codegen/drift.ts`: what differs between the upstream documents that are in use and those of a
 * directory, in words: operations, parameters, statuses, headers and members; then the overlay actions that no longer
 * apply. Needs no Java. Exit status: 0, also if something differs; 1 if the documents cannot be read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDocuments } from './generate.ts';
import { isObject, type Json, type JsonObject, resolveReference } from './json.ts';
import { METHODS } from './operations.ts';
import { type GenerationConfig, readSource, upstreamDirectory } from './source.ts';

/** A statement of a document that can be compared, for example about a member of a reply. */
interface Fact {
  readonly operation: string;
  /** The request, a status, or empty. */
  readonly part: string;
  /** For example `member receiveAmount.value`. Empty for the operation itself. */
  readonly place: string;
  readonly text: string;
}

/** The member at a path, over all variants of its schema. */
interface Member {
  readonly texts: Set<string>;
  isRequired: boolean;
}
type Members = Map<string, Member>;

const KEYWORDS = [
  'type',
  'format',
  'const',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'additionalProperties',
  'unevaluatedProperties',
] as const;

function describeKeywords(schema: JsonObject): string {
  return KEYWORDS.flatMap((keyword) => {
    const value = schema[keyword];
    if (value === undefined || isObject(value)) return [];
    return keyword === 'type' ? [[value].flat().join(' or ')] : [`${keyword} ${JSON.stringify(value)}`];
  }).join(', ');
}

/** Members that are in only some of the variants are optional. */
function mergeVariants(variants: readonly Members[], into: Members): void {
  for (const path of new Set(variants.flatMap((members) => [...members.keys()]))) {
    const found = variants.flatMap((members) => members.get(path) ?? []);
    const member = into.get(path) ?? { texts: new Set<string>(), isRequired: false };
    for (const text of found.flatMap(({ texts }) => [...texts])) member.texts.add(text);
    member.isRequired ||= found.length === variants.length && found.every(({ isRequired }) => isRequired);
    into.set(path, member);
  }
}

/** The members of a schema by path, itself included. `open` are the references that are being followed. */
function listMembers(document: JsonObject, node: JsonObject, path = '', open: readonly Json[] = []): Members {
  const members: Members = new Map();
  const { $ref: reference } = node;
  if (reference !== undefined && !open.includes(reference)) {
    const target = resolveReference(document, { $ref: reference });
    mergeVariants([listMembers(document, target, path, [...open, reference])], members);
  }
  const variants = (schemas: Json | undefined) =>
    (Array.isArray(schemas) ? schemas : []).filter(isObject).map((schema) => listMembers(document, schema, path, open));
  for (const part of variants(node['allOf'])) mergeVariants([part], members);
  for (const keyword of ['oneOf', 'anyOf']) mergeVariants(variants(node[keyword]), members);
  const text = describeKeywords(node);
  const itself = members.get(path) ?? { texts: new Set<string>(), isRequired: false };
  if (text !== '') itself.texts.add(text);
  members.set(path, itself);
  for (const [name, schema] of Object.entries(isObject(node['properties']) ? node['properties'] : {})) {
    const below = path === '' ? name : `${path}.${name}`;
    if (isObject(schema)) mergeVariants([listMembers(document, schema, below, open)], members);
    else members.set(below, { texts: new Set([`always ${schema}`]), isRequired: false });
  }
  if (isObject(node['items'])) mergeVariants([listMembers(document, node['items'], `${path}[]`, open)], members);
  for (const name of Array.isArray(node['required']) ? node['required'] : []) {
    const member = members.get(path === '' ? `${name}` : `${path}.${name}`);
    if (member) member.isRequired = true;
  }
  return members;
}

function describeMember({ texts, isRequired }: Member): string {
  const types = [...texts].sort().join(' | ');
  return [isRequired ? 'required' : 'optional', ...(types === '' ? [] : [types])].join(', ');
}

/** The facts about the body of a request or reply: its media types, and their members. */
function listBody(document: JsonObject, operation: string, part: string, body: JsonObject): Fact[] {
  const content = isObject(body['content']) ? body['content'] : {};
  return Object.entries(content).flatMap(([type, media]) => {
    const schema = isObject(media) && isObject(media['schema']) ? media['schema'] : {};
    const members = [...listMembers(document, schema)].map(([path, member]) => ({
      ...{ operation, part },
      place: path === '' ? 'body' : `member ${path}`,
      text: path === '' ? [...member.texts].sort().join(' | ') : describeMember(member),
    }));
    return [{ operation, part, place: `media type ${type}`, text: '' }, ...members];
  });
}

/** Everything that a document says about its operations. */
function listFacts(document: JsonObject): Fact[] {
  return Object.entries(document['paths'] as JsonObject).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const node = (item as JsonObject)[method];
      if (!isObject(node)) return [];
      const operation = `${node['operationId'] ?? `${method} ${path}`}`;
      const resolved = (list: Json | undefined) =>
        (Array.isArray(list) ? list : []).filter(isObject).map((entry) => resolveReference(document, entry));
      const parameters = [...resolved((item as JsonObject)['parameters']), ...resolved(node['parameters'])];
      const responses = Object.entries(isObject(node['responses']) ? node['responses'] : {});
      const security = node['security'] ?? document['security'] ?? [];
      return [
        { operation, part: '', place: '', text: `${method.toUpperCase()} ${path}` },
        { operation, part: '', place: 'security', text: JSON.stringify(security) },
        ...parameters.flatMap((parameter) => {
          const schema = isObject(parameter['schema']) ? parameter['schema'] : {};
          const [, member] = [...listMembers(document, schema)][0] ?? [];
          const text = describeMember({
            texts: member?.texts ?? new Set(),
            isRequired: parameter['required'] === true,
          });
          return [{ operation, part: '', place: `${parameter['in']} parameter ${parameter['name']}`, text }];
        }),
        ...(isObject(node['requestBody'])
          ? listBody(document, operation, 'request', resolveReference(document, node['requestBody']))
          : []),
        ...responses.flatMap(([status, entry]) => {
          const response = resolveReference(document, entry as JsonObject);
          const headers = Object.keys(isObject(response['headers']) ? response['headers'] : {});
          return [
            { operation, part: status, place: 'status', text: '' },
            ...headers.map((name) => ({ operation, part: status, place: `header ${name}`, text: '' })),
            ...listBody(document, operation, status, response),
          ];
        }),
      ];
    }),
  );
}

/** True if the fact is about a part of what the other one is about. */
function isWithin(fact: Fact, { operation, part, place }: Fact): boolean {
  if (fact.operation !== operation || (fact.part === part && fact.place === place)) return false;
  if (place === '' || fact.part !== part) return place === '';
  return place === 'status' || ['.', '['].some((separator) => fact.place.startsWith(`${place}${separator}`));
}

/** One line for each difference; operations in which something differs in the same way share a line. */
export function describeDrift(before: JsonObject, after: JsonObject): string[] {
  const keyOf = ({ operation, part, place }: Fact) => [operation, part, place].join('\n');
  const index = (document: JsonObject) => new Map(listFacts(document).map((fact) => [keyOf(fact), fact]));
  const [old, now] = [index(before), index(after)];
  const missingFrom = (other: ReadonlyMap<string, Fact>, facts: Iterable<Fact>) => {
    const missing = [...facts].filter((fact) => !other.has(keyOf(fact)));
    return missing.filter((fact) => !missing.some((candidate) => isWithin(fact, candidate)));
  };
  const lines = new Map<string, string[]>();
  const add = (change: string, { operation, part, place }: Fact, detail: string) => {
    const owner = `${operation}${part === '' ? '' : ` ${part}`}`;
    const line = place === '' ? `${change} operation ${owner}${detail}` : `${change} ${place}${detail}`;
    lines.set(line, [...(lines.get(line) ?? []), ...(place === '' ? [] : [owner])]);
  };
  const inBrackets = (text: string) => (text === '' ? '' : ` (${text})`);
  for (const fact of missingFrom(now, old.values()))
    add('removed', fact, fact.place === '' ? inBrackets(fact.text) : '');
  for (const fact of missingFrom(old, now.values())) add('new', fact, inBrackets(fact.text));
  for (const fact of now.values()) {
    const { text = fact.text } = old.get(keyOf(fact)) ?? {};
    if (text !== fact.text) add('changed', fact, ` (${text || 'anything'} → ${fact.text || 'anything'})`);
  }
  return [...lines].map(([line, owners]) => (owners.length === 0 ? line : `${line}: ${owners.join(', ')}`));
}

async function main(directory: string | undefined): Promise<void> {
  if (!directory) throw new Error('SPEC_DIR names the directory of the documents to compare: make drift SPEC_DIR=…');
  const root = join(import.meta.dirname, '..');
  const config = JSON.parse(readFileSync(join(root, 'codegen.config.json'), 'utf8')) as GenerationConfig;
  const read = (name: string, from: string | undefined) =>
    readSource(
      root,
      name,
      config.documents[name]!,
      upstreamDirectory(root, config, from),
      from === undefined ? 'package' : 'SPEC_DIR',
    ).document;
  const version = ({ info }: JsonObject) => `${(info as JsonObject)['version']}`;
  for (const [name, { upstream }] of Object.entries(config.documents)) {
    if (upstream === undefined) continue;
    const [before, after] = [read(name, undefined), read(name, directory)];
    const lines = describeDrift(before, after);
    console.log(`${name} ${version(before)} → ${version(after)}${lines.length === 0 ? ': no difference' : ''}`);
    for (const line of lines) console.log(`  ${line}`);
  }
  try {
    for (const warning of loadDocuments(config, directory).warnings) console.log(warning);
  } catch (error) {
    console.log(`make generate would fail: ${(error as Error).message}`);
  }
}

if (import.meta.main) {
  try {
    await main(process.env['SPEC_DIR']);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
