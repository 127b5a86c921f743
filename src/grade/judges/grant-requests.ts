/** Judges of the requirements on grant requests. */
import { headerLines } from '../../http/received-request.ts';
import { isLoopback } from '../../net/loopback.ts';
import { memberOf } from '../exchange-facts.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asString, isObject, type JsonObject } from '../json.ts';
import type { Finding, Findings, Judge, JudgesOf, Run } from '../judge.ts';
import type { grantRequests } from '../requirements/grant-requests.ts';
import { pass, violation } from './findings.ts';

/** Judges the content of grant requests, if it is a JSON object. */
const ofRequest = (judge: (body: JsonObject, exchange: GradedExchange, run: Run) => Findings): Judge => ({
  exchange: (exchange, run) =>
    exchange.operation === 'post-request' && isObject(exchange.body) ? judge(exchange.body, exchange, run) : undefined,
});

/** Judges `interact.finish`, if it is an object. */
const ofFinish = (judge: (finish: JsonObject, exchange: GradedExchange, run: Run) => Findings): Judge =>
  ofRequest(({ interact }, exchange, run) => {
    const finish = memberOf(interact, 'finish');
    return isObject(finish) ? judge(finish, exchange, run) : undefined;
  });

const unknownMembers = (object: JsonObject, known: readonly string[]): string | undefined =>
  Object.keys(object).find((name) => !known.includes(name));

function judgeForm(exchange: GradedExchange, { ases }: Run): Findings {
  const { operation, request, ase, isBodyUnread } = exchange;
  const endpoint = ases.find(({ name }) => name === ase)?.authServer;
  const isEndpoint = request.targetUri.replace(/\/$/, '') === endpoint;
  if (operation === 'unknown' && isEndpoint && ['PUT', 'PATCH', 'DELETE'].includes(request.method)) {
    return violation('A grant request is a POST.', { expected: 'POST', actual: request.method });
  }
  if (operation !== 'post-request' || isBodyUnread) return undefined;
  const types = headerLines(request, 'content-type');
  const isJson = types.length === 1 && /^application\/json(?:$|[ ;])/i.test(types[0]!);
  if (!isJson) {
    return violation('The content is not labelled as JSON.', {
      expected: 'application/json',
      actual: types.join(', ') || 'no Content-Type',
    });
  }
  return isObject(exchange.body) ? pass : violation('The content is not a JSON object.');
}

function judgeClient({ client }: JsonObject): Finding {
  if (client === undefined) return violation('The member client is missing.');
  if (typeof client === 'string') return URL.canParse(client) ? pass : violation('`client` is not a URL.');
  if (!isObject(client)) return violation('`client` is neither a URL nor an object.');
  const names = Object.keys(client);
  if (names.length !== 1) {
    return violation('`client` needs exactly one member.', { actual: names.join(', ') || 'none' });
  }
  if (isObject(client['jwk'])) return pass;
  if (typeof client['walletAddress'] !== 'string')
    return violation(`\`client.${names[0]}\` is of another type or unknown.`);
  return URL.canParse(client['walletAddress']) ? pass : violation('`client.walletAddress` is not a URL.');
}

function judgeWish({ access_token: token, subject, interact }: JsonObject): Finding {
  const access = memberOf(token, 'access');
  if (Array.isArray(access) && access.length > 0) return pass;
  if (isObject(subject) && isObject(interact)) return pass;
  if (isObject(subject)) return violation('A request for a subject has no interact.');
  return violation('The request asks neither for access nor for a subject.');
}

const rights: Readonly<Record<string, { readonly actions: readonly string[]; readonly members: readonly string[] }>> = {
  'incoming-payment': {
    actions: ['create', 'complete', 'read', 'read-all', 'list', 'list-all'],
    members: ['type', 'actions', 'identifier'],
  },
  'outgoing-payment': {
    actions: ['create', 'read', 'read-all', 'list', 'list-all'],
    members: ['type', 'actions', 'identifier', 'limits'],
  },
  quote: { actions: ['create', 'read', 'read-all'], members: ['type', 'actions'] },
};

/** The mistake in an item of `access`. */
function findItemMistake(item: unknown): string | undefined {
  if (!isObject(item)) return 'is not an object';
  const type = asString(item['type']);
  const right = type !== undefined && Object.hasOwn(rights, type) ? rights[type]! : undefined;
  if (!right) return 'has an unknown type';
  const { actions } = item;
  if (!Array.isArray(actions)) return 'has no actions';
  const unknown = actions.find((action) => !right.actions.includes(action));
  if (unknown !== undefined) return `has the unknown action ${JSON.stringify(unknown)}`;
  if (new Set(actions).size !== actions.length) return 'has the same action twice';
  const member = unknownMembers(item, right.members);
  if (member !== undefined) return `has the member ${member}, which a right to ${type}s does not have`;
  if (item['identifier'] !== undefined && !URL.canParse(String(item['identifier']))) return 'has no URL as identifier';
  return undefined;
}

function judgeAccess(access: unknown): Finding {
  if (!Array.isArray(access)) return violation('`access` is not a list.');
  if (access.length > 3) return violation(`\`access\` has ${access.length} items, more than three.`);
  const texts = access.map((item) => JSON.stringify(item));
  if (new Set(texts).size !== texts.length) return violation('`access` has the same item twice.');
  for (const [index, item] of access.entries()) {
    const mistake = findItemMistake(item);
    if (mistake !== undefined) return violation(`\`access[${index}]\` ${mistake}.`);
  }
  return pass;
}

function judgeSubject(subject: unknown): Finding {
  const ids = memberOf(subject, 'sub_ids');
  if (!Array.isArray(ids) || ids.length !== 1) return violation('`subject.sub_ids` is not a list of one identifier.');
  const [only] = ids;
  if (memberOf(only, 'format') !== 'uri') return violation('The format of the subject identifier is not uri.');
  return typeof memberOf(only, 'id') === 'string' ? pass : violation('The subject identifier has no id.');
}

function judgeRights({ access_token: token, subject }: JsonObject): Findings {
  const findings: Finding[] = [];
  if (isObject(token)) findings.push(judgeAccess(token['access']));
  if (subject !== undefined) findings.push(judgeSubject(subject));
  return findings.find(({ outcome }) => outcome !== 'pass') ?? findings[0];
}

function judgePayer({ access_token: token, interact }: JsonObject): Findings {
  const access = memberOf(token, 'access');
  const items = Array.isArray(access) ? access.filter((item) => memberOf(item, 'type') === 'outgoing-payment') : [];
  if (items.length === 0) return undefined;
  if (items.some((item) => !URL.canParse(asString(memberOf(item, 'identifier')) ?? ''))) {
    return violation('A right to outgoing payments has no identifier.');
  }
  return isObject(interact) ? pass : violation('A request for outgoing payments has no interact.');
}

function judgeInteract({ interact }: JsonObject): Findings {
  if (interact === undefined) return undefined;
  if (!isObject(interact)) return violation('`interact` is not an object.', { actual: JSON.stringify(interact) });
  const { start, finish } = interact;
  if (!Array.isArray(start) || start.length === 0) return violation('`interact.start` is not a list with an entry.');
  const other = start.find((mode) => mode !== 'redirect');
  if (other !== undefined) {
    const actual = JSON.stringify(other);
    return violation('`interact.start` has an unknown mode.', { expected: '["redirect"]', actual });
  }
  if (finish === undefined) return pass;
  if (finish === null) return violation('`interact.finish` is null instead of absent.');
  if (!isObject(finish)) return violation('`interact.finish` is not an object.');
  if (finish['method'] !== 'redirect') return violation('`interact.finish.method` is not redirect.');
  const missing = ['uri', 'nonce'].find((name) => typeof finish[name] !== 'string');
  return missing === undefined ? pass : violation(`\`interact.finish\` has no ${missing}.`);
}

function judgeFinishUri({ uri: text }: JsonObject, exchange: GradedExchange): Findings {
  if (typeof text !== 'string') return undefined;
  const actual = exchange.masked(text);
  const uri = URL.parse(text);
  if (!uri) return violation('The finish URI is not absolute.', { actual });
  if (text.includes('#')) return violation('The finish URI has a fragment.', { actual });
  if (uri.protocol === 'http:' && !isLoopback(uri.hostname)) {
    return violation('The finish URI is plain http to another machine.', { expected: 'https', actual });
  }
  if (/^(?:javascript|data|blob|file|about|vbscript|ftp|ws|wss):$/.test(uri.protocol)) {
    return violation('No application receives a callback at this scheme.', { actual });
  }
  return pass;
}

export const grantRequestsJudges = {
  'CL-GNAP-01': { exchange: judgeForm },
  'CL-GNAP-02': ofRequest(judgeClient),
  'CL-GNAP-03': ofRequest(({ client }) => {
    if (isObject(client)) return pass;
    if (typeof client !== 'string') return undefined;
    const values = { expected: '{"walletAddress": "…"}', actual: `"${client}"` };
    return violation('`client` is a bare URL, which is deprecated.', values);
  }),
  'CL-GNAP-04': ofRequest(judgeWish),
  'CL-GNAP-05': ofRequest(judgeRights),
  'CL-GNAP-06': ofRequest(judgePayer),
  'CL-GNAP-07': ofRequest(judgeInteract),
  'CL-GNAP-08': ofFinish(judgeFinishUri),
  'CL-GNAP-09': ofFinish(({ nonce }, _exchange, { state }) => {
    if (typeof nonce !== 'string') return undefined;
    const before = state.grants.exchangeWithFinishNonce(nonce);
    return before === undefined ? pass : violation(`The finish nonce is that of exchange ${before}.`);
  }),
  'CL-GNAP-10': ofFinish(({ uri }, { ase, id }, { state }) => {
    const others = state.grants.waiting.filter((grant) => grant.exchange !== id);
    if (typeof uri !== 'string' || others.length === 0) return undefined;
    const same = others.find(({ finish }) => finish?.uri === uri);
    if (!same) return pass;
    const where = same.ase === ase ? '' : ` at ${same.ase}`;
    return violation(`The grant of exchange ${same.exchange}${where}, which is still open, has the same finish URI.`);
  }),
  'CL-GNAP-11': ofRequest(({ interact }) => {
    if (!isObject(interact)) return undefined;
    return isObject(interact['finish']) ? pass : violation('`interact` has no finish, so the client has to poll.');
  }),
} satisfies JudgesOf<typeof grantRequests>;
