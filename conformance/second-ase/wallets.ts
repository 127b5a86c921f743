/** The wallet address server: documents and key sets. */
import { type Area, type Exchange, Refusal, type Reply } from './http.ts';
import { fieldOf } from './signatures.ts';
import { findWallet, type State, type Wallet } from './state.ts';

export function walletAddressServer(state: State): Area {
  const { has } = state;
  const find = ({ params: [path = ''] }: Exchange): Wallet => {
    const wallet = findWallet(state, state.origin + (path === '' || path === '/' ? '/.well-known/pay' : path));
    if (!wallet) throw new Refusal(404, 'not_found', 'the wallet address does not exist');
    return wallet;
  };

  function readDocument(exchange: Exchange): Reply {
    const { url, publicName, assetCode, assetScale } = find(exchange);
    const accept = fieldOf(exchange, 'accept') ?? '*/*';
    if (!/\*\/\*|application\/(\*|json)/.test(accept)) throw new Refusal(406, 'not_acceptable', 'only JSON is served');
    return {
      status: 200,
      body: {
        ...{ id: url, publicName: has('name-is-object') ? { en: publicName } : publicName, assetCode, assetScale },
        ...{ authServer: state.authServer, resourceServer: state.resourceServer },
      },
      headers: { 'cache-control': 'max-age=300', vary: 'Accept' },
    };
  }

  const readKeys = (exchange: Exchange): Reply => ({
    status: 200,
    body: { keys: find(exchange).keys },
    headers: { 'cache-control': 'max-age=30' },
  });

  function readDid(exchange: Exchange): Reply {
    find(exchange);
    throw new Refusal(500, 'not_implemented', 'DID documents are not offered');
  }

  return {
    prefix: '/',
    code: 'bad_request',
    headers: {},
    routes: [
      { method: 'GET', path: /^(.*?)\/*\/jwks\.json$/, handle: readKeys },
      { method: 'GET', path: /^(.*?)\/*\/did\.json$/, handle: readDid },
      { method: 'GET', path: /^(?!.*\/(?:jwks|did)\.json$)(.*)$/, handle: readDocument },
    ],
  };
}
