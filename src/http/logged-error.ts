/** Errors in a form safe to log (AS-N13): database and parser errors can contain the values that they failed on. */

/** For pino's `err`: type, message, code and stack, no other members. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    message: withoutQuotations(error),
    ...(typeof code === 'string' && { code }),
    at: error.stack?.split('\n').filter((line) => /^ +at /.test(line)),
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}

/** JSON.parse quotes the text, and PostgreSQL the value. */
function withoutQuotations(error: Error): string {
  if (error instanceof SyntaxError) return 'malformed text';
  return 'severity' in error ? error.message.replace(/".*"/s, '"…"') : error.message;
}
