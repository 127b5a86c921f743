/** What an operator may add to the wallet addresses of an ASE; all of it is off by default (WA-11, WA-14, WA-25, WA-40). */

/** Shown with the document only if `visible`. */
export interface AdditionalProperty {
  readonly value: string;
  readonly visible: boolean;
}

export type AdditionalProperties = Readonly<Record<string, AdditionalProperty>>;

export interface Extensions {
  /** Template of the page that browsers are sent to, see `web-page.ts`. */
  readonly webPage?: string;
  /** URL that the documents name. */
  readonly cardService?: string;
  /** Whether the addresses can be paid by SPSP. */
  readonly spsp?: boolean;
  /** URL that is told of addresses that were not found. */
  readonly lookupHook?: string;
  /** By the path of the wallet address. */
  readonly additionalProperties?: ReadonlyMap<string, AdditionalProperties>;
}

/** Members beyond the specified ones that the document of a wallet address holds (WA-10, WA-11). */
export function additionalMembers({ cardService, additionalProperties }: Extensions, path: string) {
  const visible = Object.entries(additionalProperties?.get(path) ?? {}).filter(([, property]) => property.visible);
  return {
    ...(cardService !== undefined && { cardService }),
    ...(visible.length > 0 && {
      additionalProperties: Object.fromEntries(visible.map(([name, { value }]) => [name, value])),
    }),
  };
}
