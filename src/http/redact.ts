/** Removes secrets from what is kept about each request: its target and its signature base. */
const REDACTED = '[redacted]';

/** Parameters of queries whose values are secrets: they belong to an interaction. */
export const secretParameters = ['interact_ref', 'hash', 'nonce', 'token', 'ticket'] as const;

const secretInQuery = /([?&](?:interact_ref|hash|nonce|token|ticket)=)[^&#]*/gi;

/** References, hashes and nonces of an interaction are secrets, in the query as in the path. */
export function redactTarget(target: string, params: Readonly<Record<string, string>>): string {
  const { nonce } = params;
  const withoutNonce = nonce
    ? target.replaceAll(nonce, REDACTED).replaceAll(encodeURIComponent(nonce), REDACTED)
    : target;
  return withoutNonce.replace(secretInQuery, `$1${REDACTED}`);
}

/** Components whose values cannot be secrets. */
const publicComponents = new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  'content-digest',
  'content-length',
  'content-type',
]);

/** Redacts values that may be secrets. The result no longer verifies, but can be compared line by line. */
export function redactSignatureBase(base: string): string {
  return base
    .split('\n')
    .map((line) => {
      const [, name = '', value = ''] = /^"([^"]*)": (.*)$/s.exec(line) ?? [];
      if (name === '@signature-params') return redactNonce(line);
      return `"${name}": ${publicComponents.has(name) ? value : REDACTED}`;
    })
    .join('\n');
}

/** Goes from string to string, so that a string which contains `;nonce=` is not taken for the parameter. */
const redactNonce = (parameters: string): string =>
  parameters.replaceAll(/(; *nonce=)?"(?:[^"\\]|\\.)*"?/gs, (string, name?: string) =>
    name === undefined ? string : `${name}"${REDACTED}"`,
  );
