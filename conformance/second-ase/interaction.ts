/** The interaction with the owner, who here consents to everything: from the link to the finish URI (RFC 9635 §4). */
import { createHash } from 'node:crypto';
import { type Exchange, Refusal, type Reply, type Route } from './http.ts';
import { fieldOf } from './signatures.ts';
import { type Grant, type Interaction, newSecret, type State } from './state.ts';

const pageHeaders = {
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

export function interactionRoutes(state: State): readonly Route[] {
  const { has } = state;
  const basePath = new URL(state.authServer).pathname;
  const redirectTo = (location: string, cookie?: string): Reply => ({
    status: 302,
    headers: { ...pageHeaders, location, ...(cookie && { 'set-cookie': cookie }) },
  });
  const cookieOf = (link: string, value: string): string =>
    `ask=${value}; Path=${basePath}ask/${link}; HttpOnly; SameSite=Lax${value ? '' : '; Max-Age=0'}`;

  function begin({ params: [link = ''] }: Exchange): Reply {
    const interaction = state.interactions.get(link);
    if (!interaction) throw new Refusal(400, 'unknown_interaction', 'the interaction is not known');
    if (interaction.grant.state !== 'pending' || interaction.session) {
      throw new Refusal(403, 'invalid_interaction', 'the interaction has begun or ended');
    }
    interaction.session = newSecret();
    interaction.consentTicket = newSecret();
    return redirectTo(
      `${state.authServer}ask/${link}/consent?${interaction.consentTicket}`,
      cookieOf(link, interaction.session),
    );
  }

  /** The interaction of the browser that began it. */
  function findInteraction(exchange: Exchange): Interaction {
    const interaction = state.interactions.get(exchange.params[0]!);
    if (!interaction) throw new Refusal(404, 'unknown_interaction', 'the interaction is not known');
    const cookies = (fieldOf(exchange, 'cookie') ?? '').split(/; */);
    const isHolder = interaction.session !== undefined && cookies.includes(`ask=${interaction.session}`);
    if (!isHolder) throw new Refusal(401, 'invalid_request', 'another browser began this interaction');
    return interaction;
  }

  /** A person would decide here. */
  function consent(exchange: Exchange): Reply {
    const { grant, consentTicket } = findInteraction(exchange);
    if (!exchange.query.has(consentTicket ?? '')) throw new Refusal(401, 'invalid_request', 'the ticket is wrong');
    if (grant.state === 'pending') grant.state = 'approved';
    return redirectTo(`${state.authServer}ask/${exchange.params[0]}/done`);
  }

  function finish(exchange: Exchange): Reply {
    const [link = ''] = exchange.params;
    const { grant } = findInteraction(exchange);
    state.interactions.delete(link);
    const cookie = cookieOf(link, '');
    if (!grant.finish) return { status: 202, headers: { ...pageHeaders, 'set-cookie': cookie } };
    if (grant.state !== 'approved')
      return redirectTo(withQuery(grant.finish.uri, { result: 'invalid_interaction' }), cookie);
    const result = { hash: hashOf(grant), interact_ref: grant.reference };
    return redirectTo(withQuery(grant.finish.uri, result), cookie);
  }

  function hashOf({ finish: { nonce = '' } = { uri: '', nonce: '' }, serverNonce, reference }: Grant): string {
    const endpoint = has('hash-of-origin') ? `${state.origin}/` : state.authServer;
    const parts = has('hash-of-swapped-nonces') ? [serverNonce, nonce] : [nonce, serverNonce];
    return createHash('sha256')
      .update([...parts, reference, endpoint].join('\n'))
      .digest('base64');
  }

  return [
    { method: 'GET', refusesHead: true, path: /^\/gnap\/ask\/([^/]+)$/, handle: begin },
    { method: 'GET', refusesHead: true, path: /^\/gnap\/ask\/([^/]+)\/consent$/, handle: consent },
    { method: 'GET', refusesHead: true, path: /^\/gnap\/ask\/([^/]+)\/done$/, handle: finish },
  ];
}

/** The URI with its query and these parameters. */
function withQuery(uri: string, parameters: Readonly<Record<string, string>>): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`;
}
