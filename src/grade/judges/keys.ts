/** Judges of the requirements on the keys of a client. */
import { memberOf, mustSign, signingKeyOf } from '../exchange-facts.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import { asString, isObject, type JsonObject } from '../json.ts';
import { decidedByProbe, type Finding, type Findings, type JudgesOf, type Run, type RunEnd } from '../judge.ts';
import type { keys } from '../requirements/keys.ts';
import { signatureFieldsOf } from '../signature-fields.ts';
import { listKeyForms } from '../state/secrets.ts';
import { pass, violation } from './findings.ts';

const clientOf = ({ operation, body }: GradedExchange): unknown =>
  operation === 'post-request' ? memberOf(body, 'client') : undefined;

const jwkOf = (exchange: GradedExchange): unknown => memberOf(clientOf(exchange), 'jwk');

/** True if Touchstone serves the key set, so that the client did not write it. */
function isHosted({ keySet }: GradedExchange, { ases }: Run): boolean {
  return (
    keySet !== undefined && ases.some(({ walletAddressServer }) => keySet.url.startsWith(`${walletAddressServer}/`))
  );
}

/** Keys that the client published, or sent with its grant request. */
function publishedKeys(exchange: GradedExchange, run: Run): JsonObject[] {
  if (exchange.operation !== 'post-request') return [];
  const set = isHosted(exchange, run) ? undefined : memberOf(exchange.keySet?.document, 'keys');
  return [...(Array.isArray(set) ? set : []), jwkOf(exchange)].filter(isObject);
}

const required: Readonly<Record<string, string>> = { alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' };

function judgeMembers(exchange: GradedExchange, run: Run): Findings {
  const others = isHosted(exchange, run)
    ? []
    : Object.keys(exchange.keySet?.document ?? {}).filter((name) => name !== 'keys');
  if (exchange.operation === 'post-request' && others.length > 0) {
    return { outcome: 'violation', detail: 'The key set has other members than keys.', actual: others.join(', ') };
  }
  return publishedKeys(exchange, run).map((jwk): Finding => {
    for (const name of ['kid', 'alg', 'kty', 'crv', 'x']) {
      if (typeof jwk[name] !== 'string') return { outcome: 'violation', detail: `The key has no ${name}.` };
    }
    for (const [name, value] of Object.entries(jwk['use'] === undefined ? required : { ...required, use: 'sig' })) {
      const actual = String(jwk[name]);
      if (actual !== value)
        return { outcome: 'violation', detail: `\`${name}\` has a wrong value.`, expected: value, actual };
    }
    return pass;
  });
}

const judgeX = (exchange: GradedExchange, run: Run): Finding[] =>
  publishedKeys(exchange, run).flatMap(({ x }): Finding[] => {
    if (typeof x !== 'string') return [];
    const expected = '43 characters of base64url: 32 bytes without padding';
    if (!/^[\w-]+$/.test(x)) {
      return [{ outcome: 'violation', detail: '`x` is not base64url without padding.', expected, actual: x }];
    }
    const { length } = Buffer.from(x, 'base64url');
    if (length === 32) return [pass];
    return [{ outcome: 'violation', detail: `\`x\` is ${length} bytes long.`, expected, actual: x }];
  });

/** True for content with a private key in JWK form. */
function hasPrivatePart(value: unknown): boolean {
  const values: unknown[] = [value];
  // Without recursion, which deep nesting would exhaust.
  for (const each of values) {
    if (typeof each !== 'object' || each === null) continue;
    if (isObject(each) && 'kty' in each && 'd' in each) return true;
    values.push(...Object.values(each));
  }
  return false;
}

function judgePrivatePart(exchange: GradedExchange, run: Run): Findings {
  const { body, keySet, operation } = exchange;
  if (hasPrivatePart(body)) return { outcome: 'violation', detail: 'The content has the private part d of a key.' };
  if (!isHosted(exchange, run) && hasPrivatePart(keySet?.document)) {
    return { outcome: 'violation', detail: 'The key set has the private part d of a key.' };
  }
  return operation === 'post-request' && isObject(body) ? pass : undefined;
}

function judgeKids(exchange: GradedExchange, run: Run): Findings {
  const set = publishedKeys(exchange, run).filter((jwk) => jwk !== jwkOf(exchange));
  if (set.length === 0) return undefined;
  const kids = set.map(({ kid }) => kid);
  const repeated = kids.find((kid, index) => {
    const first = kids.indexOf(kid);
    return first !== index && set[first]!['x'] !== set[index]!['x'];
  });
  if (repeated === undefined) return pass;
  return { outcome: 'violation', detail: 'Two keys of the set have one kid.', actual: String(repeated) };
}

/** A set that cannot be fetched, or has no keys. A missing kid is CL-SIG-09. */
function judgeAvailability(exchange: GradedExchange): Findings {
  const client = clientOf(exchange);
  const address = asString(client) ?? asString(memberOf(client, 'walletAddress'));
  if (address === undefined) return undefined;
  const published = memberOf(exchange.keySet?.document, 'keys');
  if (Array.isArray(published) && published.length > 0) return pass;
  const reason = exchange.refusal?.reason;
  const isMissing = reason === 'keys_unreachable' || reason === 'key_not_found';
  if (!isMissing && !exchange.keySet) return undefined;
  const detail = reason === 'keys_unreachable' ? 'The key set could not be fetched.' : 'The address has no key set.';
  return { outcome: 'violation', detail, expected: `keys at ${address.replace(/\/$/, '')}/jwks.json` };
}

function judgeSameKey(exchange: GradedExchange, { state }: Run): Findings {
  if (!mustSign(exchange)) return undefined;
  const isContinuation = exchange.operation === 'post-continue' || exchange.operation === 'delete-continue';
  const grant = isContinuation ? state.grants.grantContinuedBy(exchange) : state.grants.grantOfToken(exchange.token);
  if (!grant) return undefined;
  const key = signingKeyOf(exchange)?.jwk;
  const keyid = signatureFieldsOf(exchange).member?.parameters.get('keyid')?.value;
  if (keyid === undefined || grant.keyid === undefined) return undefined;
  if (key && grant.key !== undefined ? key.x === grant.key : keyid === grant.keyid) {
    // A signature that does not verify does not show which key made it.
    return key ? pass : undefined;
  }
  return {
    outcome: 'violation',
    detail: `Another key signed the grant request, exchange ${grant.exchange}.`,
    expected: grant.keyid,
    actual: String(keyid),
  };
}

/** Once for each run, since each further request would say the same. */
function judgeSharedKey(exchange: GradedExchange, { state }: Run): Findings {
  const { ases, sharesKey } = state.signatures;
  const isOtherAse = mustSign(exchange) && [...ases].some((ase) => ase !== exchange.ase);
  const x = isOtherAse ? signingKeyOf(exchange)?.jwk.x : undefined;
  if (x === undefined || sharesKey) return undefined;
  const others = [...state.signatures.asesOfKey(x)].filter((ase) => ase !== exchange.ase);
  if (others.length === 0) return pass;
  return { outcome: 'violation', detail: `The same public key was seen by ${others[0]} and ${exchange.ase}.` };
}

/** Line breaks, quotes and spaces between the bytes of a key do not hide it. */
const squeeze = (text: string): string => text.replaceAll(/\\n|[\s'",]+/g, '');

function judgeOutput(_run: Run, { output, privateKeys }: RunEnd): Findings {
  const forms = privateKeys.flatMap(listKeyForms);
  if (forms.length === 0) return undefined;
  const texts = [output, output.toLowerCase(), squeeze(output)];
  const isShown = forms.some((form) => texts.some((text) => text.includes(form)));
  return isShown ? violation('The output of the command shows its private key.') : pass;
}

function judgeRequestText({ request }: GradedExchange, { privateKeys }: Run): Findings {
  const fields = request.rawHeaders.map(([, value]) => value).join('\n');
  const text = `${request.rawTarget}\n${fields}\n${request.body.toString()}`;
  const isShown = privateKeys.some((spelling) => text.includes(spelling)) || text.includes('PRIVATE KEY-----');
  return isShown ? { outcome: 'violation', detail: 'The request contains a private key.' } : undefined;
}

export const keysJudges = {
  'CL-KEY-01': { exchange: judgeAvailability },
  'CL-KEY-02': { exchange: judgeMembers },
  'CL-KEY-03': { exchange: judgeX },
  'CL-KEY-04': { exchange: judgePrivatePart },
  'CL-KEY-05': { exchange: judgeKids },
  'CL-KEY-06': {
    exchange(exchange) {
      if (jwkOf(exchange) === undefined) return undefined;
      if (memberOf(exchange.body, 'interact') !== undefined) {
        return { outcome: 'violation', detail: '`client.jwk` is sent together with interact.' };
      }
      const access = memberOf(memberOf(exchange.body, 'access_token'), 'access');
      const isForPayments =
        Array.isArray(access) && access.some((item) => memberOf(item, 'type') === 'outgoing-payment');
      if (!isForPayments) return pass;
      return { outcome: 'violation', detail: '`client.jwk` asks for a right to outgoing payments.' };
    },
  },
  'CL-KEY-07': { exchange: judgeSameKey },
  'CL-KEY-08': { exchange: judgeSharedKey },
  'CL-KEY-09': decidedByProbe,
  'CL-KEY-10': { exchange: judgeRequestText, end: judgeOutput },
} satisfies JudgesOf<typeof keys>;
