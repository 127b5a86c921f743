/** Optional features of the wallet addresses of an ASE, all off by default (WA-11, WA-14, WA-25, WA-40). */

/** Part of the wallet address document only if `visible`. */
export interface AdditionalProperty {
  readonly value: string;
  readonly visible: boolean;
}

export type AdditionalProperties = Readonly<Record<string, AdditionalProperty>>;

export interface Extensions {
  /** Template of the URL that browsers are redirected to, see `expandWebPage`. */
  readonly webPage?: string;
  /** URL for the member `cardService` of the documents. */
  readonly cardService?: string;
  /** Enables payments by SPSP. */
  readonly spsp?: boolean;
  /** URL to which unknown wallet addresses are announced. */
  readonly lookupHook?: string;
  /** Path of the wallet address → its properties. */
  readonly additionalProperties?: ReadonlyMap<string, AdditionalProperties>;
}

/** Additional members of the wallet address document (WA-10, WA-11). */
export function additionalMembers({ cardService, additionalProperties }: Extensions, path: string) {
  const visible = Object.entries(additionalProperties?.get(path) ?? {}).filter(([, property]) => property.visible);
  return {
    ...(cardService !== undefined && { cardService }),
    ...(visible.length > 0 && {
      additionalProperties: Object.fromEntries(visible.map(([name, { value }]) => [name, value])),
    }),
  };
}

/**
 * The URL of the web page: `%wa` in the template becomes the wallet address and `%wp` the same without its scheme;
 * `%ewa` and `%ewp` are their percent-encoded forms (WA-14, WA-16).
 */
export function expandWebPage(template: string, walletAddress: string): string {
  const pointer = walletAddress.replace(/^https?:\/\//, '');
  return template.replaceAll(/%(e?)w([ap])/g, (_, encoded: string, form: string) => {
    const text = form === 'a' ? walletAddress : pointer;
    return encoded ? encodeURIComponent(text) : text;
  });
}
