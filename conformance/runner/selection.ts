/** `--only`: a check by its id, the checks of a requirement, or a regular expression for ids. */
import { ConfigError, didYouMean } from '../../src/errors.ts';
import type { Check } from './check.ts';

/** Throws ConfigError if nothing matches. */
export function selectChecks<Selected extends Pick<Check, 'id' | 'rows'>>(
  checks: readonly Selected[],
  only: string | undefined,
): Selected[] {
  if (only === undefined) return [...checks];
  const exact = checks.filter(({ id, rows }) => id === only || rows.includes(only));
  if (exact.length > 0) return exact;
  const pattern = parsePattern(only);
  const matching = checks.filter(({ id }) => pattern.test(id));
  if (matching.length > 0) return matching;
  throw new ConfigError(
    `no check matches ${only}${didYouMean(
      only,
      checks.map(({ id }) => id),
    )}`,
  );
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new ConfigError(`--only takes the id of a check or a row, or a regular expression, not ${text}`);
  }
}
