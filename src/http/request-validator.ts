/**
 * Validates requests against an OpenAPI document, in two steps:
 *   1. `acceptRequest` runs the validators that `make generate` compiles. It accepts valid requests in their usual form,
 *      so that they wait for no schema to be compiled, and leaves all others undecided.
 *   2. `judgeRequest` decides about these with express-openapi-validator, which alone rejects a request and says why.
 *
 * Parameters are converted by the rules of express-openapi-validator. Step 1 converts only integers in canonical form
 * and leaves other forms, such as `007`, to step 2. A property test checks that both steps agree on what step 1 accepts.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { NextFunction, Request, Response } from 'express';

export interface ParsedRequest {
  readonly operationId: string;
  readonly method: string;
  /** Path of the operation in the document, as `/quotes/{id}`. */
  readonly path: string;
  /** Parameters of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

export interface ValidatedRequest {
  /** With the types that the document gives the parameters. */
  readonly params: Record<string, unknown>;
  /** With the types that the document gives the parameters. */
  readonly query: Record<string, unknown>;
  /** Names of query parameters that the operation does not have; they are not in `query`. */
  readonly unknownParameters: readonly string[];
  readonly body: unknown;
}

/** A request that the document does not allow. */
export class RequestInvalid extends Error {
  /** 400, 413 or 415. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'RequestInvalid';
    this.status = status;
  }
}

export type RequestValidator = (request: ParsedRequest) => Promise<ValidatedRequest>;

/** The request of an operation according to the document; `requests` of the generated validators. */
interface RequestShape {
  readonly query: readonly string[];
  /** Names of the path and query parameters that are integers. */
  readonly integers: readonly string[];
  /** Validates `{ path, query, header }`. */
  readonly parameters: ((parameters: unknown) => boolean) | null;
  readonly contentType: string | null;
  readonly bodyRequired: boolean;
  readonly body: ((body: unknown) => boolean) | null;
}

interface ValidatorOptions {
  readonly document: object;
  readonly requests: Readonly<Record<string, RequestShape>>;
  /**
   * Query parameters that an operation does not have. `refuse`: the request is invalid. `list`: they are listed in the
   * result, and a switch decides. `ignore`: they stay in the query.
   */
  readonly unknownParameters: 'refuse' | 'ignore' | 'list';
}

/** Loads step 2 of each validator that has not needed it yet. */
const unloaded = new Set<() => Promise<unknown>>();

/**
 * Loads what rejects requests, which takes half a second in all, so that the first client whose request is wrong does
 * not wait for it. The event loop runs in between.
 */
export async function loadRejections(): Promise<void> {
  for (const load of unloaded) {
    await load();
    await turn();
  }
}

export function createRequestValidator(options: ValidatorOptions): RequestValidator {
  let steps: Promise<Step[]> | undefined;
  const load = (): Promise<Step[]> => {
    unloaded.delete(load);
    steps ??= loadSteps(options);
    return steps;
  };
  unloaded.add(load);
  return async (request) => {
    const shape = options.requests[request.operationId]!;
    const accepted = acceptRequest(request, shape, options);
    if (accepted) return accepted;
    return judgeRequest(await load(), request, shape, options);
  };
}

// ── Compiled validators ─────────────────────────────────────────────────────────────────────────────────────────────

/** The validated request, or undefined if step 2 must decide. */
export function acceptRequest(
  { params, query, headers, body }: ParsedRequest,
  shape: RequestShape,
  { unknownParameters }: Pick<ValidatorOptions, 'unknownParameters'>,
): ValidatedRequest | undefined {
  if (body === undefined ? shape.bodyRequired : !hasValidBody(body, headers['content-type'], shape)) return undefined;
  const unknown = Object.keys(query).filter((name) => !shape.query.includes(name));
  if (unknown.length > 0 && unknownParameters === 'refuse') return undefined;
  const known = Object.entries(query).filter(([name]) => unknownParameters === 'ignore' || shape.query.includes(name));
  if (known.some(([, value]) => typeof value !== 'string' || value === '')) return undefined;
  const validated = {
    params: convertIntegers(Object.entries(params), shape),
    query: convertIntegers(known as [string, string][], shape),
  };
  const parameters = { path: validated.params, query: validated.query, header: headers };
  if (shape.parameters?.(parameters) === false) return undefined;
  return { ...validated, unknownParameters: unknownParameters === 'list' ? unknown : [], body };
}

function hasValidBody(body: unknown, contentType: unknown, shape: RequestShape): boolean {
  const [mediaType] = String(contentType)
    .toLowerCase()
    .split(/; ?charset=utf-8$/);
  return shape.body !== null && mediaType === shape.contentType && shape.body(body);
}

/** Values in canonical form become numbers; all others stay text, which no schema of an integer accepts. */
const convertIntegers = (
  entries: readonly (readonly [string, string])[],
  { integers }: RequestShape,
): Record<string, unknown> =>
  Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      integers.includes(name) && /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value,
    ]),
  );

// ── express-openapi-validator ───────────────────────────────────────────────────────────────────────────────────────

const UINT64_MAX = 2n ** 64n - 1n;
const formats = {
  uint64: {
    type: 'string' as const,
    validate: (value: string) => /^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) <= UINT64_MAX,
  },
};

/** The part of an Express application that the validator calls. No application is needed. */
const applicationStub = { enabled: () => false, param: () => {}, use: () => {} };

type Step = (req: Request, res: Response, next: NextFunction) => unknown;

/** Not loaded before the start is over, because that takes a quarter of a second. */
async function loadSteps({ document, unknownParameters }: ValidatorOptions): Promise<Step[]> {
  // In a bundle it has no named exports.
  const { default: validator } = await import('express-openapi-validator');
  return validator
    .middleware({
      apiSpec: { ...document, servers: [{ url: '/' }] } as never,
      validateApiSpec: false,
      validateRequests: { allowUnknownQueryParameters: unknownParameters === 'ignore' },
      validateSecurity: false,
      validateResponses: false,
      fileUploader: false,
      formats,
    })
    .flat();
}

/** The validated request. Throws RequestInvalid. */
async function judgeRequest(
  steps: readonly Step[],
  request: ParsedRequest,
  shape: RequestShape,
  { unknownParameters }: ValidatorOptions,
): Promise<ValidatedRequest> {
  const hasNoBody = request.body === undefined;
  const path = request.path.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => encodeURIComponent(request.params[name]!));
  const isListed = (name: string) => unknownParameters === 'list' && !shape.query.includes(name);
  const validated = {
    ...request,
    app: applicationStub,
    baseUrl: '',
    path,
    url: path,
    originalUrl: path,
    query: Object.fromEntries(Object.entries(request.query).filter(([name]) => !isListed(name))),
    headers: {
      ...request.headers,
      // Absent content needs no type.
      'content-type': hasNoBody && !shape.bodyRequired ? 'application/json' : mediaTypeOf(request.headers),
    },
    params: {} as Record<string, unknown>,
    unknownParameters: Object.keys(request.query).filter(isListed),
  };
  try {
    for (const step of steps) await run(step, validated);
  } catch (error) {
    // A missing body is reported rather than its content type.
    throw error instanceof RequestInvalid && hasNoBody && error.status === 415 ? noBody() : error;
  }
  if (shape.bodyRequired && hasNoBody) throw noBody();
  return validated;
}

/**
 * The media type without its parameters, which JSON does not have (RFC 8259 §11). The validator takes quadratic time
 * for them, and keeps a compiled schema for each value that it meets.
 */
const mediaTypeOf = ({ 'content-type': contentType }: Record<string, unknown>): string | undefined =>
  contentType === undefined ? undefined : String(contentType).split(';', 1)[0]!.trim().toLowerCase();

const noBody = (): RequestInvalid => new RequestInvalid(400, 'the request body is missing');

function run(step: Step, request: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: unknown): void => (error ? reject(asInvalid(error)) : resolve());
    Promise.resolve(step(request as Request, {} as Response, next as NextFunction)).catch(reject);
  });
}

function asInvalid(error: unknown): unknown {
  const { status, message } = error as { status?: number; message: string };
  return typeof status === 'number' && status < 500 ? new RequestInvalid(status, message) : error;
}
