/** Removes known secrets from data: the last line of defence, after each exchange has been masked. */

/** A copy of JSON data in which no text contains one of the secrets. */
export function withoutSecrets<T>(data: T, secrets: readonly string[]): T {
  const json = JSON.stringify(data);
  // A run has thousands of secrets, few of which are in its data.
  const isPresent = (secret: string) => secret.length > 0 && json.includes(JSON.stringify(secret).slice(1, -1));
  // The longest first: a secret can contain another.
  const ordered = [...new Set(secrets.flatMap(formsOf))].filter(isPresent).sort((a, b) => b.length - a.length);
  const hide = (text: string) =>
    ordered.reduce((hidden, secret) => hidden.replaceAll(secret, () => `…(${secret.length})`), text);
  return JSON.parse(json, (_name, value) => (typeof value === 'string' ? hide(value) : value)) as T;
}

/** A private key in PEM is also recognised by its lines. */
const formsOf = (secret: string): string[] => [
  secret,
  ...secret.split('\n').filter((line) => line.length >= 40 && secret.includes('PRIVATE KEY')),
];
