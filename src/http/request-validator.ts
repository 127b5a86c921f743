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
  readonly allowUnknownQueryParameters?: boolean;
}

/** Compiling a document takes a tenth of a second, so servers that share one share its validator. */
const validators = new WeakMap<object, RequestValidator>();

/** The validator of a document; the options of the first call for a document apply. */
export function createRequestValidator(document: object, options: ValidatorOptions = {}): RequestValidator {
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
      params: {} as Record<string, string>,
      /** Filled in by the validator with what the document says of the operation. */
      openapi: undefined as
        | { readonly schema?: { readonly requestBody?: { readonly required?: boolean } } }
        | undefined,
    };
    try {
      for (const step of await steps) await run(step, validated);
    } catch (error) {
      // A missing body is reported rather than its content type.
      throw error instanceof RequestInvalid && request.body === undefined && error.status === 415 ? noBody() : error;
    }
    if (validated.openapi?.schema?.requestBody?.required && request.body === undefined) throw noBody();
    return validated;
  };
}

async function loadSteps(document: object, options: ValidatorOptions): Promise<Step[]> {
  const { middleware } = await import('express-openapi-validator');
  return middleware({
    apiSpec: { ...document, servers: [{ url: '/' }] } as never,
    validateApiSpec: false,
    validateRequests: { allowUnknownQueryParameters: options.allowUnknownQueryParameters ?? false },
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
