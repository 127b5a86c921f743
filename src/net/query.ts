/** Queries as RFC 3986 §3.4 has them: a space is `%20`, since only HTML forms write it as a plus. */
export const formatQuery = (parameters: Readonly<Record<string, string>>): string =>
  Object.entries(parameters)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');
