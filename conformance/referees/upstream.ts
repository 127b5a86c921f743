/**
 * Two further judges of every answer: the unmodified documents of Open Payments, and the response validator of the
 * official Node client. Where they refuse an answer, an action of our overlays must allow it; the actions that it needs
 * are those without which the document refuses it too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  getAuthServerOpenAPI,
  getResourceServerOpenAPI,
  getWalletAddressServerOpenAPI,
} from '@interledger/open-payments';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { isObject, type Json, type JsonObject, readPointer } from '../../codegen/json.ts';
import { applyOverlay } from '../../codegen/overlay.ts';
import { parseYaml } from '../../codegen/source.ts';
import { UINT64 } from '../../codegen/validators.ts';
import configuration from '../../codegen.config.json' with { type: 'json' };
import type { Referee, RefereeReport } from '../runner/referee.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const servers = {
  'auth-server': getAuthServerOpenAPI,
  'resource-server': getResourceServerOpenAPI,
  'wallet-address-server': getWalletAddressServerOpenAPI,
} as const;
type ServerName = keyof typeof servers;

const ajv = new Ajv2020({ strict: false });
(formats.default ?? formats)(ajv);
ajv.addFormat('uint64', UINT64);

/** Most documents here agree about most answers, so equal schemas are compiled once. */
const compiled = new Map<string, ValidateFunction>();

function compile(schema: JsonObject): ValidateFunction {
  const text = JSON.stringify(schema);
  const validate = compiled.get(text) ?? ajv.compile(schema);
  compiled.set(text, validate);
  return validate;
}

/** A document in one form, and its verdict about answers. */
class Judge {
  readonly document: JsonObject;
  readonly #declared = new Map<string, Json | undefined>();
  readonly #validators = new Map<JsonObject, ValidateFunction>();

  constructor(document: JsonObject) {
    this.document = document;
  }

  /** The answer as it is declared; undefined if it is not. References in it are resolved. */
  declared({ path, method, status }: Place): Json | undefined {
    const key = `${method} ${path} ${status}`;
    if (!this.#declared.has(key)) {
      const responses = readPointer(this.document, `/paths/${escapeToken(path)}/${method}/responses`);
      this.#declared.set(key, isObject(responses) ? inline(this.document, responses[status]) : undefined);
    }
    return this.#declared.get(key);
  }

  allows(place: Place, body: unknown): boolean {
    const declared = this.declared(place);
    if (!isObject(declared)) return false;
    if (!isObject(declared['content'])) return body === undefined;
    const schema = readPointer(declared, '/content/application~1json/schema');
    if (!isObject(schema)) return true;
    const validate = this.#validators.get(schema) ?? compile(schema);
    this.#validators.set(schema, validate);
    return validate(body);
  }
}

interface Place {
  readonly path: string;
  readonly method: string;
  readonly status: string;
}

const escapeToken = (token: string): string => encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1'));

/** Throws if a reference leads nowhere. */
function inline(document: JsonObject, node: Json | undefined): Json | undefined {
  if (Array.isArray(node)) return node.map((item) => inline(document, item)!);
  if (!isObject(node)) return node;
  const { $ref, ...beside } = node;
  const members = Object.fromEntries(Object.entries(beside).map(([key, value]) => [key, inline(document, value)!]));
  if (typeof $ref !== 'string') return members;
  const target = readPointer(document, $ref);
  if (target === undefined) return undefined;
  // Beside other keywords a reference is a separate schema, whose members the others do not see.
  const resolved = inline(document, target)!;
  return Object.keys(members).length === 0 ? resolved : { allOf: [resolved], ...members };
}

interface Action extends JsonObject {
  target: string;
  'x-interpretation': string;
}

/** The documents of one server: upstream, ours, and ours without one action each. */
interface Server {
  readonly upstream: Judge;
  readonly ours: Judge;
  readonly withoutAction: readonly {
    readonly name: string;
    readonly interpretation: string;
    readonly judge: Judge | undefined;
  }[];
  readonly operations: ReadonlyMap<string, Omit<Place, 'status'>>;
  readonly official: ReadonlyMap<string, (answer: { status: number; body: unknown }) => boolean>;
}

async function loadServer(name: ServerName): Promise<Server> {
  const { upstream, documents } = configuration;
  const { upstream: file, overlays } = documents[name];
  const source = readYaml(join('node_modules', upstream.package, upstream.directory, file));
  const overlay = readYaml(overlays[0]!);
  const actions = overlay['actions'] as Action[];
  const known = new Set(actions.map((action) => action['x-interpretation']));
  const without = (index: number): Judge | undefined => {
    try {
      return new Judge(applyOverlay(source, { ...overlay, actions: actions.toSpliced(index, 1) }, known));
    } catch {
      // A later action changes what this one adds.
      return undefined;
    }
  };
  const ours = new Judge(applyOverlay(source, overlay, known));
  const operations = new Map(listOperations(ours.document));
  const api = await servers[name]();
  const official = [...operations].flatMap(([id, { path, method }]) =>
    api.paths[path] && method in api.paths[path]
      ? [[id, api.createResponseValidator({ path, method: method as never })] as const]
      : [],
  );
  return {
    upstream: new Judge(source),
    ours,
    withoutAction: actions.map((action, index) => ({
      name: `${name} ${action.target} (${action['x-interpretation']})`,
      interpretation: action['x-interpretation'],
      judge: without(index),
    })),
    operations,
    official: new Map(official),
  };
}

const readYaml = (path: string): JsonObject => parseYaml(readFileSync(join(root, path), 'utf8'), path);

const listOperations = (document: JsonObject): [id: string, place: Omit<Place, 'status'>][] =>
  Object.entries(document['paths'] as JsonObject).flatMap(([path, methods]) =>
    Object.entries(methods as JsonObject).flatMap(([method, operation]): [string, Omit<Place, 'status'>][] =>
      isObject(operation) && typeof operation['operationId'] === 'string'
        ? [[operation['operationId'], { path, method }]]
        : [],
    ),
  );

/** Loads the documents and the official validator from the locked package. */
export async function loadReferee(): Promise<Referee> {
  const loaded = await Promise.all((Object.keys(servers) as ServerName[]).map(loadServer));
  const byOperation = new Map(
    loaded.flatMap((server) => [...server.operations.keys()].map((id) => [id, server] as const)),
  );
  const needed = new Map<string, number>();
  const byInterpretation = new Map<string, number>();
  let judged = 0;
  const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  return {
    judge({ operation, status, body, text }, method) {
      const server = operation === undefined ? undefined : byOperation.get(operation);
      if (!server || method === 'HEAD') return undefined;
      judged += 1;
      const place = { ...server.operations.get(operation!)!, status: String(status) };
      const content = text === '' ? undefined : body;
      if (!server.ours.allows(place, content)) return undefined;
      const without = server.withoutAction.filter(({ judge }) => judge !== undefined && !judge.allows(place, content));
      for (const { name } of without) count(needed, name);
      for (const interpretation of new Set(without.map((each) => each.interpretation)))
        count(byInterpretation, interpretation);
      const upstream = server.upstream.allows(place, content);
      const official = officialVerdict(server, operation!, { status, body: content });
      if (official === 'refused' && status < 300) return `the official Node client refuses ${operation} ${status}`;
      if ((!upstream || official !== 'accepted') && without.length === 0) {
        return `${operation} answered ${status}, which the documents of Open Payments do not allow, and no overlay needs`;
      }
      return undefined;
    },
    report: (): RefereeReport => ({
      judged,
      byInterpretation: [...byInterpretation].sort(),
      unneeded: loaded
        .flatMap(({ withoutAction }) => withoutAction)
        .filter(({ name }) => !needed.has(name))
        .map(({ name }) => name),
    }),
  };
}

/** `undeclared`: the client knows no such answer. */
function officialVerdict(
  { official, upstream, operations }: Server,
  id: string,
  answer: { status: number; body: unknown },
) {
  const validate = official.get(id);
  const place = { ...operations.get(id)!, status: String(answer.status) };
  if (!validate || upstream.declared(place) === undefined) return 'undeclared';
  try {
    // The validator may change what it validates.
    validate(structuredClone(answer));
    return 'accepted';
  } catch {
    return 'refused';
  }
}
