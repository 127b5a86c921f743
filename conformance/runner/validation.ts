/**
 * CT-09: every answer is held against the document of its operation: status, content type, declared headers and body,
 * through the precompiled validators of `generated/`.
 */

import { branchesOf, listBranches } from '../generators/branches.ts';
import type { Schema } from '../generators/document.ts';
import type { Target } from './target.ts';

export type Validate = ((data: unknown) => boolean) & { errors?: readonly unknown[] | null };

interface DeclaredResponse {
  /** Media types of the body; empty for a response without one. */
  readonly mediaTypes: readonly string[];
  readonly headers: readonly string[];
  readonly validate: Validate | null;
  /** The schema of the JSON body. */
  readonly schema: Schema | undefined;
}

interface DeclaredOperation {
  readonly id: string;
  readonly document: (typeof documents)[number];
  readonly method: string;
  /** Matches the end of a request path; undefined for the base path of a server, which no path tells apart. */
  readonly path: RegExp | undefined;
  readonly responses: ReadonlyMap<number, DeclaredResponse>;
}

/** The operations of all documents by operationId, which is unique over them. */
export type Operations = ReadonlyMap<string, DeclaredOperation>;

interface JsonDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { operationId?: string; responses?: object }>>>>;
}

const documents = [
  'auth-server',
  'resource-server',
  'wallet-address-server',
  'identity-provider',
  'token-introspection',
  'control',
] as const;

const openPayments: ReadonlySet<string> = new Set(['auth-server', 'resource-server', 'wallet-address-server']);

/** Loads the operations of all documents with their validators. */
export async function loadOperations(): Promise<Operations> {
  const operations = new Map<string, DeclaredOperation>();
  for (const name of documents) {
    const locate = (file: string): string => new URL(`../../generated/${name}/${file}`, import.meta.url).href;
    const { default: document } = (await import(locate('document.json'), { with: { type: 'json' } })) as {
      default: JsonDocument;
    };
    const { responseBody } = (await import(locate('validators.js'))) as {
      responseBody: Record<string, Record<string, Validate | null>>;
    };
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { operationId: id, responses = {} }] of Object.entries(methods)) {
        if (id === undefined) continue;
        const declared = Object.entries(responses).map(
          ([status, response]) =>
            [Number(status), describeResponse(document, response, responseBody[id]?.[status] ?? null)] as const,
        );
        const description = { id, document: name, method: method.toUpperCase(), path: toPattern(path) };
        operations.set(id, { ...description, responses: new Map(declared) });
      }
    }
  }
  return operations;
}

/** The operations of Open Payments, and those of Touchstone's own documents that the target has. */
export function operationsOf(target: Target, operations: Operations): Operations {
  const absent: string[] = [
    ...(target.control ? [] : ['control']),
    ...(target.control || target.backChannel ? [] : ['identity-provider']),
    ...(target.control || target.introspection ? [] : ['token-introspection']),
  ];
  return new Map([...operations].filter(([, { document }]) => !absent.includes(document)));
}

function describeResponse(document: JsonDocument, response: unknown, validate: Validate | null): DeclaredResponse {
  const { content = {}, headers = {} } = resolveReference(document, response) as {
    content?: Readonly<Record<string, { readonly schema?: object }>>;
    headers?: object;
  };
  const node = content['application/json']?.schema;
  const schema = node && { node, document };
  return { mediaTypes: Object.keys(content), headers: Object.keys(headers), validate, schema };
}

function resolveReference(document: JsonDocument, value: unknown): unknown {
  const { $ref } = value as { $ref?: string };
  if ($ref === undefined) return value;
  return $ref
    .split('/')
    .slice(1)
    .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
}

function toPattern(path: string): RegExp | undefined {
  if (path === '/') return undefined;
  return new RegExp(
    `${path
      .replaceAll('.', '\\.')
      .replaceAll('/', '/+')
      .replaceAll(/\{[^}]+\}/g, '[^/]+')}/*$`,
  );
}

export interface Coverage {
  readonly operations: { readonly seen: number; readonly declared: number };
  readonly statuses: { readonly seen: number; readonly declared: number };
  readonly branches: { readonly seen: number; readonly declared: number };
  /** Operations that were never called. */
  readonly missing: readonly string[];
  /** Statuses and branches that were never seen. */
  readonly unseen: readonly string[];
}

/**
 * Operations of Open Payments and their declared statuses, of which some were seen, as `get-quote 200`.
 * @param impossible branches that the answers of the target do not have
 */
export function countCoverage(
  operations: Operations,
  seen: ReadonlySet<string>,
  impossible: ReadonlySet<string> = new Set(),
): Coverage {
  const declared = [...operations.values()].filter(({ document }) => openPayments.has(document));
  const statusesOf = ({ id, responses }: DeclaredOperation) => [...responses.keys()].map((status) => `${id} ${status}`);
  const missing = declared.filter((operation) => !statusesOf(operation).some((status) => seen.has(status)));
  const statuses = declared.flatMap(statusesOf);
  const branches = new Set(declared.flatMap(branchesDeclared).filter((branch) => !impossible.has(branch)));
  const unseen = [...statuses, ...branches].filter((each) => !seen.has(each));
  return {
    operations: { seen: declared.length - missing.length, declared: declared.length },
    statuses: { seen: statuses.filter((status) => seen.has(status)).length, declared: statuses.length },
    branches: { seen: [...branches].filter((each) => seen.has(each)).length, declared: branches.size },
    unseen,
    missing: missing.map(({ id }) => id),
  };
}

/** The branches of the schemas of an operation's answers, as `branchesTaken` names them. */
const branchesDeclared = ({ id, document, responses }: DeclaredOperation): string[] =>
  [...responses].flatMap(([status, { schema }]) =>
    schema ? [...listBranches(schema, `${id} ${status}`)].map((branch) => `${document} ${branch}`) : [],
  );

/** The branches of its schema that an answer has taken; none outside Open Payments. */
export function branchesTaken(operations: Operations, operation: string, status: number, body: unknown): string[] {
  const { document = 'control', responses } = operations.get(operation) ?? {};
  const schema = responses?.get(status)?.schema;
  if (!schema || body === undefined || !openPayments.has(document)) return [];
  return [...branchesOf(schema, `${operation} ${status}`, body)].map((branch) => `${document} ${branch}`);
}

/** The operation that a method and a URL address. Undefined for none, and for one at the base path of its server. */
export function findOperation(operations: Operations, method: string, url: string): string | undefined {
  const path = URL.parse(url)?.pathname ?? '';
  for (const operation of operations.values()) {
    const isMethod = operation.method === method || (operation.method === 'GET' && method === 'HEAD');
    if (isMethod && operation.path?.test(path)) return operation.id;
  }
  return undefined;
}

/** The problem with an answer, or undefined. */
export function judgeAnswer(
  operations: Operations,
  operation: string,
  answer: { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: unknown },
  method?: string,
): string | undefined {
  const declared = operations.get(operation);
  if (!declared) return `operation ${operation} is not in any document`;
  const response = declared.responses.get(answer.status);
  if (!response) return `status ${answer.status} is not declared for ${operation}`;
  const answered = `${operation} answered ${answer.status}`;
  for (const name of response.headers) {
    const value = answer.headers.get(name);
    if (value === null) return `${answered} without the declared header ${name}`;
    const syntax = headerSyntax[name.toLowerCase()];
    if (syntax && !syntax(value)) return `${answered} with ${name}: ${value}, which is not valid`;
  }
  if (response.mediaTypes.length === 0) {
    return answer.text === '' ? undefined : `${answered} with a body where none is declared`;
  }
  const contentType = answer.headers.get('content-type');
  const mediaType = (contentType ?? 'no type').split(';', 1).join().trim().toLowerCase();
  if (!response.mediaTypes.includes(mediaType))
    return `${answered} as ${mediaType}, not ${response.mediaTypes.join(' or ')}`;
  if (method === 'HEAD' || mediaType !== 'application/json') return undefined;
  const { validate } = response;
  if (!validate || validate(answer.body)) return undefined;
  return `${answered} with a body that its schema refuses: ${describeErrors(validate.errors)}`;
}

/** The syntax that HTTP and GNAP demand of headers that documents declare as strings, by names in lower case. */
const headerSyntax: Readonly<Record<string, (value: string) => boolean>> = {
  // Method names (RFC 9110 §10.2.1).
  allow: (value) => /^[A-Z]+(\s*,\s*[A-Z]+)*$/.test(value),
  // A reference to a resource (RFC 9110 §10.2.2).
  location: (value) => value !== '' && !/\s/.test(value) && URL.canParse(value, 'https://base.example/'),
  // Seconds, or a date (RFC 9110 §10.2.3).
  'retry-after': (value) => /^\d+$/.test(value) || /^[A-Z][a-z]{2}, .* GMT$/.test(value),
  // The authorization server to ask for a token (RFC 9635 §9.1).
  'www-authenticate': (value) => /(^|,\s*)GNAP as_uri="?https?:\/\/[^"\s]+"?/.test(value),
};

function describeErrors(errors: Validate['errors']): string {
  const all = (errors ?? []) as { instancePath?: string; message?: string; params?: unknown }[];
  return all
    .slice(0, 4)
    .map((error) => `${error.instancePath || '/'} ${error.message ?? ''} ${JSON.stringify(error.params ?? {})}`.trim())
    .join('; ');
}
