/** Clients with mistakes in HTTP and in security. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Request } from '../message-client.ts';
import { type Answer, createTransport } from '../transport.ts';
import { type Change, changeRequests, followRedirects, followTokens, without } from './changes.ts';

export const httpChanges = {
  'CL-HTTP-01': (client) => {
    client.beforeSigning = ({ headers }, { key }) => void (key && headers.set('accept', 'text/*'));
  },
  'CL-HTTP-02': (client, steps) => {
    client.beforeSigning = ({ headers }) => void headers.delete('content-type');
    without('content-type')(client, steps);
  },
  'CL-HTTP-03': (client) => {
    client.afterSigning = ({ headers }) => void headers.set('host', 'localhost');
  },
  // Takes an unknown status for a passing failure, and tries again and again.
  'CL-HTTP-04': repeatReads(({ status }) => status > 404 || status === 402),
  'CL-HTTP-05': (client) => {
    const { postContinuation } = client;
    client.postContinuation = async (...args) => {
      const answer = await postContinuation(...args);
      if (answer.json?.error && answer.json.error.code.length === 0) throw new Error('the error has no code');
      return answer;
    };
  },
  // Takes an answer that it cannot decode for a passing failure.
  'CL-HTTP-06': repeatReads(({ status, json }) => status >= 400 && json?.error?.code !== 'unauthorized'),
  'CL-HTTP-07': strictDecoder(),
  'CL-HTTP-08': (client) => {
    const members = ['value', 'manage', 'access', 'expires_in'];
    const toToken = client.toToken.bind(client);
    client.toToken = (authServer, grant, before) => {
      const unknown = Object.keys(grant?.access_token ?? {}).find((name) => !members.includes(name));
      if (unknown !== undefined) throw new Error(`unknown member ${unknown}`);
      return toToken(authServer, grant, before);
    };
  },
  'CL-HTTP-09': (client) => {
    const toContinuation = client.toContinuation.bind(client);
    client.toContinuation = (authServer, grant) => {
      if (grant?.continue && grant.continue.wait === undefined) throw new Error('wait is missing');
      return toContinuation(authServer, grant);
    };
  },
  // Takes an answer without content for a failure, and tries again.
  'CL-HTTP-10': (client) => {
    client.revoke = async ({ authServer, manage, value }) => {
      const key = client.keyFor(authServer);
      for (let tries = 0; tries < 3; tries += 1) {
        await client.send({ method: 'DELETE', url: manage, token: value, key });
      }
    };
  },
  'CL-HTTP-11': (client) => followRedirects(client, ({ key }) => key !== undefined),
  'CL-HTTP-12': (client) => followRedirects(client, () => true, 300),
  'CL-HTTP-13': repeatOnFailure(3, 300, () => true),
  'CL-HTTP-14': repeatOnFailure(1, 100, ({ method }) => method === 'GET'),
  'CL-HTTP-15': repeatOnFailure(10, 1000, ({ method }) => method === 'GET'),
  'CL-HTTP-16': (client) => {
    client.transport = createTransport({ ...client.transportOptions, timeoutMs: 600_000 });
  },
} satisfies Readonly<Record<string, Change>>;

function repeatReads(isRepeated: (answer: Answer) => boolean): Change {
  return (client) => {
    const send = client.send.bind(client);
    client.send = async (request) => {
      let answer = await send(request);
      for (let tries = 0; tries < 6 && request.method === 'GET' && isRepeated(answer); tries += 1) {
        answer = await send(request);
      }
      return answer;
    };
  };
}

function strictDecoder(): Change {
  const members = ['id', 'publicName', 'assetCode', 'assetScale', 'authServer', 'resourceServer'];
  return (client) => {
    const readWallet = client.readWallet.bind(client);
    client.readWallet = async (address) => {
      const wallet = await readWallet(address);
      const unknown = Object.keys(wallet).find((name) => !members.includes(name));
      if (unknown !== undefined) throw new Error(`unknown member ${unknown}`);
      return wallet;
    };
  };
}

function repeatOnFailure(times: number, delay: number, isRepeated: (request: Request) => boolean): Change {
  return (client) => {
    client.send = async (request) => {
      let answer = await client.transport.send(client.compose(request));
      for (let tries = 0; tries < times && answer.status >= 500 && isRepeated(request); tries += 1) {
        await pause(delay);
        answer = await client.transport.send(client.compose(request));
      }
      return answer;
    };
  };
}

export const securityChanges = {
  'CL-SEC-01': (client) => {
    let count = 0;
    client.nonce = () => String(Date.now() + count++);
  },
  'CL-SEC-02': (client) => {
    const { nonce } = client;
    let next = nonce();
    client.finishUri = () => `${client.server.origin}/callback/${next.length}?nonce=${next}`;
    client.nonce = () => {
      const current = next;
      next = nonce();
      return current;
    };
  },
  'CL-SEC-03': (client) => {
    const requestGrant = client.requestGrant.bind(client);
    client.requestGrant = async (...args) => {
      const grant = await requestGrant(...args);
      client.print(JSON.stringify(grant));
      return grant;
    };
  },
  'CL-SEC-04': (client) => {
    const latest = followTokens(client);
    const send = client.send.bind(client);
    client.send = (request) => {
      const token = latest();
      const isResource = request.url.includes('/incoming-payments/');
      return send(
        token && isResource ? { ...request, token: token.value, key: client.keyFor(token.authServer) } : request,
      );
    };
  },
  'CL-SEC-05': (client) => {
    client.server.takesAnyCallback = true;
    client.isRightHash = () => true;
  },
  'CL-SEC-06': changeRequests((request) => ({ ...request, url: request.url.replace(/^https:/, 'http:') })),
  'CL-SEC-07': (client) => {
    client.transport = createTransport({ ...client.transportOptions, verifies: false });
  },
  'CL-SEC-08': (client) => {
    client.finishUri = () => client.server.newCallbackUri().replace('://', '://key@');
  },
} satisfies Readonly<Record<string, Change>>;
