/** Obtains a grant with the owner's consent, using the official client: request, interaction, hash, continuation. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** Resolves with the finished grant. Consent is scripted: no browser is needed. */
export async function askConsent(client, authServer, access) {
  const finish = { method: 'redirect', uri: 'http://127.0.0.1:1/finish', nonce: randomUUID() };
  const pending = await client.grant.request(
    { url: authServer },
    { access_token: { access }, interact: { start: ['redirect'], finish } },
  );
  const returned = await followRedirects(pending.interact.redirect, finish.uri);

  // Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3). Some send it in base64url, as the
  // RFC says, and some in base64; `Buffer.from` reads both.
  const reference = returned.searchParams.get('interact_ref');
  const parts = [finish.nonce, pending.interact.finish, reference, authServer];
  const hash = createHash('sha256').update(parts.join('\n')).digest();
  const received = Buffer.from(returned.searchParams.get('hash') ?? '', 'base64');
  if (!received.equals(hash)) throw new Error('the finish hash is wrong: do not continue');

  let content = { interact_ref: reference };
  for (let { continue: next } = pending; ; content = undefined) {
    // Five seconds is the default (RFC 9635 §5).
    await pause((next.wait ?? 5) * 1000);
    const grant = await client.grant.continue({ url: next.uri, accessToken: next.access_token.value }, content);
    // An answer without an access token is still pending: ask again, with its continuation token.
    if (grant.access_token) return grant;
    next = grant.continue;
  }
}

/** Where the browser would end up; keeps the session cookie on the way. */
async function followRedirects(start, finishUri) {
  const cookies = new Map();
  for (let url = start; ; ) {
    if (url.startsWith(finishUri)) return new URL(url);
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} });
    for (const line of answer.headers.getSetCookie()) cookies.set(...line.split(';')[0].split(/=(.*)/, 2));
    if (!answer.headers.get('location')) throw new Error(`consent stopped at a page of status ${answer.status}`);
    url = new URL(answer.headers.get('location'), url).href;
  }
}
