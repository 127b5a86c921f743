/** Clients with mistakes in grant requests, interactions and continuations. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Stop } from '../message-client.ts';
import { appendSlash, type Change, changeGrant, changeInteraction, followTokens } from './changes.ts';

export const grantChanges = {
  'CL-GNAP-01': (client) => {
    client.beforeSigning = (message, request) => {
      if (request.json?.client === undefined) return;
      const form = new URLSearchParams({ request: message.body.toString() });
      client.setContent(message, Buffer.from(form.toString()), 'application/x-www-form-urlencoded');
    };
  },
  'CL-GNAP-02': changeGrant(({ client: _client, ...rest }) => rest),
  'CL-GNAP-03': changeGrant((body) => ({ ...body, client: body.client.walletAddress })),
  'CL-GNAP-04': changeGrant((body) => ({ client: body.client })),
  'CL-GNAP-05': (_client, steps) => {
    steps.quoteAccess = () => [{ type: 'quote', actions: ['create', 'read'], limits: {} }];
  },
  'CL-GNAP-06': (_client, steps) => {
    const { outgoingAccess } = steps;
    steps.outgoingAccess = (sender, limits) =>
      outgoingAccess(sender, limits).map(({ identifier: _identifier, ...rest }) => rest);
  },
  'CL-GNAP-07': changeGrant((body) =>
    body.interact ? { ...body, interact: { ...body.interact, start: ['app'] } } : body,
  ),
  'CL-GNAP-08': (client) => {
    client.finishUri = () => '/callback';
  },
  'CL-GNAP-09': (client) => {
    client.nonce = () => '1234567890';
  },
  'CL-GNAP-10': (client) => {
    client.finishUri = () => `${client.server.origin}/callback`;
    // Both grants are open before the owner consents to either.
    const { promise: bothOpen, resolve } = Promise.withResolvers<void>();
    let open = 0;
    const visit = client.visit.bind(client);
    client.visit = async (url) => {
      open += 1;
      if (open === 2) resolve();
      await bothOpen;
      await visit(url);
    };
  },
  'CL-GNAP-11': (client) => {
    client.requestConsent = async (authServer, access) => {
      const grant = await client.requestGrant(authServer, access, { start: ['redirect'] });
      await client.visit(grant.interact.redirect);
      return client.continueGrant(authServer, client.toContinuation(authServer, grant)!);
    };
  },
  'CL-GNAP-12': (client) => {
    client.interactionUri = (uri) => `${uri}${uri.includes('?') ? '&' : '?'}lang=en`;
  },
  'CL-GNAP-13': (client) => {
    const { rotation } = client;
    client.rotation = (token) => ({ ...rotation(token), url: appendSlash(token.manage) });
    const { postContinuation } = client;
    client.postContinuation = (authServer, continuation, json) =>
      postContinuation(authServer, { ...continuation, uri: appendSlash(continuation.uri) }, json);
  },
  'CL-GNAP-14': (client) => {
    client.isRightHash = (hash) => Boolean(hash);
  },
  'CL-GNAP-15': (client) => {
    const isRightHash = client.isRightHash.bind(client);
    client.isRightHash = (hash, parts) => !hash || isRightHash(hash, parts);
  },
  // The last reference of any grant, with the hash of the grant that it came with.
  'CL-GNAP-16': changeInteraction(async (start) => {
    const { pending, query, visit } = await start();
    await visit();
    return { pending, reference: (await query).get('interact_ref')! };
  }),
  'CL-GNAP-17': (client) => {
    const isRightHash = client.isRightHash.bind(client);
    client.isRightHash = (hash, [nonce, finish, reference]) =>
      [...client.wallets.values()].some(({ wallet }) =>
        isRightHash(hash, [nonce, finish, reference, wallet.authServer]),
      );
  },
  'CL-GNAP-18': (client) => {
    client.isRightHash = (hash, parts) => hash === createHash('sha256').update(parts.join('\n')).digest('base64');
  },
  'CL-GNAP-19': changeInteraction(async (start, client, authServer) => {
    const { pending, query, visit } = await start();
    await client.postContinuation(authServer, pending, undefined);
    await visit();
    return { pending, reference: (await query).get('interact_ref')! };
  }),
  'CL-GNAP-20': changeInteraction(async (start) => {
    const { pending, query, visit } = await start();
    await visit();
    return { pending, reference: String((await query).get('interact_ref')) };
  }),
  'CL-GNAP-21': (client) => {
    client.postContinuation = (authServer, { uri, token }, json) => {
      const url = json?.interact_ref ? `${uri}?interact_ref=${encodeURIComponent(json.interact_ref)}` : uri;
      return client.send({ method: 'POST', url, token, key: client.keyFor(authServer) });
    };
  },
  'CL-GNAP-22': (client) => {
    const { postContinuation } = client;
    client.postContinuation = async (authServer, continuation, json) => {
      const answer = await postContinuation(authServer, continuation, json);
      await postContinuation(authServer, continuation, json);
      return answer;
    };
    // Repeats the reference while the grant is pending.
    client.continueGrant = async (authServer, first, reference) => {
      for (let poll = 0; poll < 5; poll += 1) {
        const answer = await client.postContinuation(authServer, first, { interact_ref: reference });
        const token = client.toToken(authServer, answer.json, first);
        if (token) return token;
        await pause(1100);
      }
      throw new Stop('no token came');
    };
  },
  'CL-GNAP-23': (client) => {
    const latest = followTokens(client);
    const { postContinuation } = client;
    client.postContinuation = (authServer, continuation, json) =>
      postContinuation(authServer, { ...continuation, token: latest()?.value ?? continuation.token }, json);
  },
  'CL-GNAP-24': (client) => {
    client.waitFor = async () => {};
  },
  'CL-GNAP-25': (client) => {
    client.waitSeconds = (wait) => (typeof wait === 'number' ? wait : 0);
  },
  'CL-GNAP-26': (client) => {
    const { postContinuation } = client;
    client.postContinuation = async (...args) => {
      let answer = await postContinuation(...args);
      for (let tries = 0; tries < 5 && answer.status === 400; tries += 1) answer = await postContinuation(...args);
      return answer;
    };
  },
  'CL-GNAP-27': (client) => {
    client.nextContinuation = (last, next) => ({ ...last, notBefore: next?.notBefore ?? last.notBefore });
  },
  // Polls without a callback, so that it goes on after a refusal as well.
  'CL-GNAP-28': (client) => {
    grantChanges['CL-GNAP-11'](client);
    client.continueGrant = async (authServer, first, reference) => {
      let json = client.continuationBody(reference);
      for (let poll = 0; poll < 5; poll += 1) {
        await client.waitFor(first);
        const answer = await client.postContinuation(authServer, first, json);
        const token = client.toToken(authServer, answer.json, first);
        if (token) return token;
        json = undefined;
        await pause(200);
      }
      throw new Stop('no token came');
    };
  },
  'CL-GNAP-29': (client) => {
    client.continuationBody = (reference) => ({
      ...(reference !== undefined && { interact_ref: reference }),
      client: client.describeSelf(),
    });
  },
  'CL-GNAP-30': (client, steps) => {
    steps.checkGranted = () => {};
    const create = client.create.bind(client);
    client.create = async (token, wallet, path, json) => {
      if (path !== 'outgoing-payments') return create(token, wallet, path, json);
      for (let tries = 0; tries < 5; tries += 1) {
        const resource = await create(token, wallet, path, json).catch((error) =>
          error instanceof Stop ? undefined : Promise.reject(error),
        );
        if (resource) return resource;
      }
      throw new Stop('the payment is refused');
    };
  },
  'CL-GNAP-31': (client, steps) => {
    client.cancelOpenGrants = async () => {};
    steps.cleanUp = async (token) => client.revoke(token);
  },
  // Asks for the address of the account as well, and takes an answer without a token for a grant that is pending.
  // Takes each answer to a DELETE for a success.
  'CL-GNAP-33': (client) => {
    const expect = client.expect.bind(client);
    client.expect = (answer, ...statuses) => {
      if (!statuses.includes(204)) return expect(answer, ...statuses);
      client.report({ outcome: 'success' });
    };
  },
  'CL-GNAP-34': (client) => {
    const requestConsent = client.requestConsent.bind(client);
    client.requestConsent = async (authServer, access) => {
      const callback = client.server.openCallback();
      const grant = await client.postGrant(authServer, {
        client: client.describeSelf(),
        subject: { sub_ids: [{ id: access[0].identifier, format: 'uri' }] },
        interact: { start: ['redirect'], finish: { method: 'redirect', uri: callback.uri, nonce: client.nonce() } },
      });
      await client.visit(grant.interact.redirect);
      let reference = (await callback.next()).get('interact_ref') ?? undefined;
      let next = client.toContinuation(authServer, grant);
      for (let poll = 0; poll < 3 && next; poll += 1) {
        const answer = await client.postContinuation(authServer, next, client.continuationBody(reference));
        next = client.toContinuation(authServer, answer.json);
        reference = undefined;
      }
      return requestConsent(authServer, access);
    };
  },
  'CL-GNAP-32': (client) => {
    const cancelGrant = client.cancelGrant.bind(client);
    client.cancelGrant = async (authServer, continuation) => {
      await cancelGrant(authServer, continuation);
      await client.postContinuation(authServer, continuation, undefined);
    };
  },
} satisfies Readonly<Record<string, Change>>;
