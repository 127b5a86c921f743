/** Finds the operations of a path by the path templates of an OpenAPI document (OpenAPI 3.1 §4.8.8.2). */
import type { Route } from './operation.ts';

export interface FoundRoutes {
  readonly routes: readonly Route[];
  /** Those of `routes`. */
  readonly methods: readonly string[];
  /** Values of the parameters of the path, decoded; undefined if their percent-encoding is malformed. */
  readonly params: Readonly<Record<string, string>> | undefined;
}

/** A segment of a template: either the name of a parameter or text, in lower case because case does not matter. */
type Segment = { readonly parameter: string } | { readonly text: string };

const splitPath = (path: string): string[] => path.split('/').filter((segment) => segment !== '');

const parseTemplate = (template: string): Segment[] =>
  splitPath(template).map((segment) =>
    segment.startsWith('{') ? { parameter: segment.slice(1, -1) } : { text: segment.toLowerCase() },
  );

const fits = (template: readonly Segment[], segments: readonly string[]): boolean =>
  template.length === segments.length &&
  template.every((segment, index) => 'parameter' in segment || segment.text === segments[index]!.toLowerCase());

function decodeParameters(
  template: readonly Segment[],
  segments: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  try {
    for (const [index, segment] of template.entries()) {
      if ('parameter' in segment) params[segment.parameter] = decodeURIComponent(segments[index]!);
    }
    return params;
  } catch {
    return undefined;
  }
}

/** Returns a function that finds the routes of a path; undefined if it has none. The first template that fits counts. */
export function createRouteTable(routes: readonly Route[]): (path: string) => FoundRoutes | undefined {
  const table = [...Map.groupBy(routes, ({ path }) => path)].map(([path, routes]) => ({
    template: parseTemplate(path),
    routes,
    methods: routes.map(({ method }) => method as string),
  }));
  return (path) => {
    const segments = splitPath(path);
    const found = table.find(({ template }) => fits(template, segments));
    if (!found) return undefined;
    const { template, routes, methods } = found;
    return { routes, methods, params: decodeParameters(template, segments) };
  };
}
