/**
 * Adapter of express-openapi-validator: validates a request against an OpenAPI document without an Express app. Each
 * document has one instance, shared by all worlds. Its paths are those of the document, wherever a server is mounted.
 */
import type { NextFunction, Request, Response } from 'express';

export interface ParsedRequest {
  readonly method: string;
  /** Path below the server's base, without trailing slash. */
  readonly path: string;
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
}

export interface ValidatedRequest {
  readonly params: Record<string, string>;
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

const UINT64_MAX = 2n ** 64n - 1n;
const formats = {
  uint64: {
    type: 'string' as const,
    validate: (value: string) => /^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) <= UINT64_MAX,
  },
};

/** The part of an Express application that the validator calls. No application is needed. */
const applicationStub = { enabled: () => false, param: () => {}, use: () => {} };

interface ValidatorOptions {
  /** Query parameters that an operation does not have. `list`: they are listed in the result, and a switch decides. */
  readonly unknownParameters: 'refuse' | 'ignore' | 'list';
}

/** Compiling a document takes a tenth of a second, so servers that share one share its validator. */
const validators = new WeakMap<object, RequestValidator>();

/** The validator of a document; the options of the first call for a document apply. */
export function createRequestValidator(document: object, options: ValidatorOptions): RequestValidator {
  const validator = validators.get(document) ?? compileDocument(document, options);
  validators.set(document, validator);
  return validator;
}

function compileDocument(document: object, options: ValidatorOptions): RequestValidator {
  let steps: Promise<Step[]> | undefined;
  return async (request) => {
    // Loaded and compiled at the first request, so that it does not delay the start.
    steps ??= loadSteps(document, options);
    const validated = {
      ...request,
      app: applicationStub,
      baseUrl: '',
      url: request.path,
      originalUrl: request.path,
      query: { ...request.query },
      headers: { ...request.headers },
      params: {} as Record<string, string>,
      unknownParameters: [] as string[],
      /** Filled in by the validator with what the document says of the operation. */
      openapi: undefined as
        | {
            readonly schema?: {
              readonly parameters?: readonly Parameter[];
              readonly requestBody?: { readonly required?: boolean };
            };
          }
        | undefined,
    };
    try {
      for (const step of await steps) {
        await run(step, validated);
        const operation = validated.openapi?.schema;
        if (!operation) continue;
        // Absent content needs no type.
        if (request.body === undefined && !operation.requestBody?.required) {
          validated.headers['content-type'] = 'application/json';
        }
        if (options.unknownParameters !== 'list') continue;
        const known = listQueryParameters(operation.parameters, document);
        for (const name of Object.keys(validated.query).filter((each) => !known.includes(each))) {
          validated.unknownParameters.push(name);
          delete validated.query[name];
        }
      }
    } catch (error) {
      // A missing body is reported rather than its content type.
      throw error instanceof RequestInvalid && request.body === undefined && error.status === 415 ? noBody() : error;
    }
    if (validated.openapi?.schema?.requestBody?.required && request.body === undefined) throw noBody();
    return validated;
  };
}

type Parameter = { readonly $ref: string } | { readonly name: string; readonly in: string };

function listQueryParameters(parameters: readonly Parameter[] = [], document: object): readonly string[] {
  const { components } = document as { components?: { parameters?: Record<string, Parameter> } };
  return parameters.flatMap((parameter) => {
    const resolved = '$ref' in parameter ? components?.parameters?.[parameter.$ref.split('/').at(-1)!] : parameter;
    return resolved && 'name' in resolved && resolved.in === 'query' ? [resolved.name] : [];
  });
}

async function loadSteps(document: object, options: ValidatorOptions): Promise<Step[]> {
  const { middleware } = await import('express-openapi-validator');
  return middleware({
    apiSpec: { ...document, servers: [{ url: '/' }] } as never,
    validateApiSpec: false,
    validateRequests: { allowUnknownQueryParameters: options.unknownParameters === 'ignore' },
    validateSecurity: false,
    validateResponses: false,
    fileUploader: false,
    formats,
  }).flat();
}

const noBody = (): RequestInvalid => new RequestInvalid(400, 'the request body is missing');

type Step = (req: Request, res: Response, next: NextFunction) => unknown;

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
