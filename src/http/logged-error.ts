/** An error as the log may hold it (AS-N13): errors of databases and parsers bring along the values that they failed on. */

/** For pino's `err`: kind, message, code, where it came from; no other members. */
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
