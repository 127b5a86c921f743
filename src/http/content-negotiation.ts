/** Content negotiation by Accept (RFC 9110 §12.5.1; WA-15, WA-17). */

/**
 * The offered type with the greatest weight; the first of equals, undefined if none is acceptable. Without the field,
 * or with an empty one, all are acceptable.
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  offered: readonly Type[],
): Type | undefined {
  const ranges = readRanges(accept?.trim() || '*/*');
  const weighed = offered.map((type) => ({ type, weight: weigh(type, ranges) })).filter(({ weight }) => weight > 0);
  return weighed.reduce<(typeof weighed)[number] | undefined>(
    (best, candidate) => (best && best.weight >= candidate.weight ? best : candidate),
    undefined,
  )?.type;
}

interface MediaRange {
  readonly range: string;
  readonly weight: number;
}

function readRanges(accept: string): MediaRange[] {
  return accept.split(',').map((member) => {
    const [range, ...parameters] = member.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.map((parameter) => /^q=([01](?:\.[0-9]*)?)$/.exec(parameter)?.[1]).find(Boolean);
    return { range: range!, weight: weight === undefined ? 1 : Number(weight) };
  });
}

/** The weight of the most specific range that matches (RFC 9110 §12.5.1). */
function weigh(type: string, ranges: readonly MediaRange[]): number {
  for (const wanted of [type, type.replace(/\/.*/, '/*'), '*/*']) {
    const matching = ranges.filter(({ range }) => range === wanted);
    if (matching.length > 0) return Math.max(...matching.map(({ weight }) => weight));
  }
  return 0;
}
