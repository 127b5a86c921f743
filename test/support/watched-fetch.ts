/** Every secret that passes through `fetch`: sent in headers and bodies, received in answers, in URLs and in cookies. */

const secretMembers = new Set([
  'sharedSecret',
  'interact_ref',
  'nonce',
  'finish',
  'outgoingToken',
  'incomingToken',
  'secret',
]);

/** Watches all calls of `fetch` until `restore`. */
export function watchFetch(): { readonly secrets: Set<string>; readonly answers: string[]; restore(): void } {
  const original = globalThis.fetch;
  const secrets = new Set<string>();
  const answers: string[] = [];
  const collectUrl = (text: string): void => {
    const url = URL.parse(text);
    for (const name of ['interact_ref', 'hash', 'nonce']) secrets.add(url?.searchParams.get(name) ?? '');
    secrets.add(/\/(?:interact|grant)\/[^/]+\/([^/]+)/.exec(url?.pathname ?? '')?.[1] ?? '');
  };
  const collect = (value: unknown, name = ''): void => {
    if (typeof value === 'string') {
      if (secretMembers.has(name) || (name === 'value' && !/^\d+$/.test(value))) secrets.add(value);
      collectUrl(value);
    } else if (typeof value === 'object' && value !== null) {
      for (const [member, one] of Object.entries(value)) collect(one, member);
    }
  };
  const collectText = (text: string): void => {
    try {
      collect(JSON.parse(text));
    } catch {
      // no JSON
    }
  };
  globalThis.fetch = async (input, init) => {
    collectUrl(String(input));
    const headers = new Headers(init?.headers);
    for (const name of ['authorization', 'x-idp-secret', 'cookie']) {
      secrets.add(headers.get(name)?.replace(/^(GNAP|Bearer) |^[^=]+=/, '') ?? '');
    }
    secrets.add(/^sig1=:(.+):$/.exec(headers.get('signature') ?? '')?.[1] ?? '');
    if (typeof init?.body === 'string') collectText(init.body);
    const response = await original(input, init);
    for (const cookie of response.headers.getSetCookie()) secrets.add(/=([^;]*)/.exec(cookie)?.[1] ?? '');
    collectUrl(response.headers.get('location') ?? '');
    const text = await response.clone().text();
    collectText(text);
    if (response.status >= 400) answers.push(text);
    return response;
  };
  return {
    secrets,
    answers,
    restore() {
      globalThis.fetch = original;
    },
  };
}
