/** CT-09: every answer is held against the published schemas, through the precompiled validators of `generated/`. */

export type Validate = ((data: unknown) => boolean) & { errors?: readonly unknown[] | null };
/** operationId → status → validator; `null` is a declared status without a body. */
export type ResponseBodies = Record<string, Record<string, Validate | null> | undefined>;

const documents = [
  'auth-server',
  'resource-server',
  'wallet-address-server',
  'identity-provider',
  'token-introspection',
  'control',
] as const;

/** Loads the validators of all documents; operation ids are unique over them. */
export async function loadResponseBodies(): Promise<ResponseBodies> {
  const merged: ResponseBodies = {};
  for (const document of documents) {
    const location = new URL(`../../generated/${document}/validators.js`, import.meta.url);
    const module = (await import(location.href)) as { responseBody: ResponseBodies };
    Object.assign(merged, module.responseBody);
  }
  return merged;
}

/** The problem with an answer, or `undefined`. */
export function judgeAnswer(
  bodies: ResponseBodies,
  operation: string,
  answer: { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: unknown },
): string | undefined {
  const declared = bodies[operation];
  if (!declared) return `operation ${operation} is not in any document`;
  const validate = declared[String(answer.status)];
  if (validate === undefined) return `status ${answer.status} is not declared for ${operation}`;
  if (validate === null) return undefined;
  if (!/^application\/json\b/.test(answer.headers.get('content-type') ?? '')) {
    return `${operation} answered ${answer.status} as ${answer.headers.get('content-type') ?? 'no type'}, not JSON`;
  }
  if (validate(answer.body)) return undefined;
  return `${operation} answered ${answer.status} with a body that its schema refuses: ${describeErrors(validate.errors)}`;
}

function describeErrors(errors: Validate['errors']): string {
  const all = (errors ?? []) as { instancePath?: string; message?: string; params?: unknown }[];
  return all
    .slice(0, 4)
    .map((error) => `${error.instancePath || '/'} ${error.message ?? ''} ${JSON.stringify(error.params ?? {})}`.trim())
    .join('; ');
}
