/** Traps of clear text and certificates, which need a world with TLS. */
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { InterceptedCall } from '../../http/interceptor.ts';
import type { Trap, TrapContext } from './trap.ts';
import { isReply, mapTexts, poisoned, withBody } from './wire.ts';

/** Listens on a free port of this machine until the trap is disarmed. */
async function open(server: Server, { onDisarm }: TrapContext): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  onDisarm(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

export const tlsTraps = {
  P30: {
    needs: ['get-wallet-address'],
    async set(context) {
      const { facts, receiver } = context;
      const plain = createHttpServer((_req, res) => {
        facts.forbid(undefined, 'The client followed the redirect to clear text.');
        res.writeHead(421).end();
      });
      const port = await open(plain, context);
      facts.arm();
      const target = new URL(receiver);
      target.protocol = 'http:';
      target.port = `${port}`;
      return {
        async answer(call, next) {
          if (call.operation !== 'get-wallet-address' || call.url !== receiver) return next();
          return poisoned(facts, call, { status: 302, headers: { Location: target.href } });
        },
      };
    },
  },

  P49: {
    needs: ['get-wallet-address', 'post-request'],
    async set(context) {
      const { facts, ases, wallNow } = context;
      // Loaded here, because a start would wait for its 84 files.
      const { createAuthority, issueCertificate } = await import('../../net/x509.ts');
      const hosts = ases.map(({ authServer }) => new URL(authServer).hostname);
      const certificate = issueCertificate(createAuthority(wallNow()), [...new Set(hosts)], wallNow());
      let shown: InterceptedCall | undefined;
      const stranger = createHttpsServer(certificate, (_req, res) => {
        facts.forbid(undefined, 'The client sent a request to a server whose certificate it could not verify.');
        res.writeHead(421).end();
      });
      const reach = () => shown && facts.reach(shown);
      stranger.on('tlsClientError', reach).on('secureConnection', reach);
      const port = await open(stranger, context);
      facts.arm();
      const rename = (uri: string): string => {
        const isEndpoint = ases.some(({ authServer }) => authServer === uri);
        if (!isEndpoint) return uri;
        const moved = new URL(uri);
        moved.port = `${port}`;
        return moved.href;
      };
      return {
        async answer(call, next) {
          const answer = await next();
          if (call.operation !== 'get-wallet-address' || !isReply(answer)) return answer;
          shown = call;
          return withBody(answer, mapTexts(answer.body, rename));
        },
      };
    },
  },
} satisfies Record<string, Trap>;
