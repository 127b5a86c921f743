/** The web page of a wallet address, where browsers are sent (WA-14, WA-16). */

/**
 * The template with its marks filled in: `%wa` is the wallet address and `%wp` the same without its scheme; `%ewa` and
 * `%ewp` are their percent-encoded forms.
 */
export function locateWebPage(template: string, walletAddress: string): string {
  const pointer = walletAddress.replace(/^https?:\/\//, '');
  return template.replaceAll(/%(e?)w([ap])/g, (_, encoded: string, form: string) => {
    const text = form === 'a' ? walletAddress : pointer;
    return encoded ? encodeURIComponent(text) : text;
  });
}
