/** Judges of the requirements on signatures. */
import { hasContent, hasField, isSigned, mustSign } from '../exchange-facts.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import type { Finding, Findings, Judge, JudgesOf, Run } from '../judge.ts';
import type { signatures } from '../requirements/signatures.ts';
import { type SignatureFields, type SignatureMember, signatureFieldsOf } from '../signature-fields.ts';
import type { MistakeName } from '../signature-mistakes.ts';
import { differs, fieldOf, pass } from './findings.ts';

/** Largest distance of `created` from wall time, in seconds. */
const MAX_SKEW = 60;
/** A clock that a client reads for each signature does not fall behind by this many milliseconds. */
const MAX_LAG = 3000;
/** Equal signatures within this time may be one request that a connection sent twice. */
const MIN_REPETITION = 1000;
/** Shorter nonces have fewer than 64 random bits. */
const MIN_NONCE = 11;

/** Mistakes in the value of `@target-uri`, which CL-SIG-04 judges. */
const uriMistakes: ReadonlySet<MistakeName> = new Set([
  'host-without-port',
  'default-port-added',
  'slash-appended',
  'slash-removed',
  'query-decoded',
  'query-encoded-again',
  'query-missing',
  'path-decoded',
  'other-scheme',
  'other-authority',
  'upper-case-host',
  'target-uri-is-request-target',
] satisfies MistakeName[]);

const bothFields = (exchange: GradedExchange): boolean =>
  hasField(exchange, 'signature') && hasField(exchange, 'signature-input');

function judgePresence(exchange: GradedExchange, tolerated: boolean): Finding {
  if (bothFields(exchange)) return pass;
  const missing = ['Signature', 'Signature-Input'].filter((name) => !hasField(exchange, name)).join(' and ');
  const detail = `The request has no ${missing}.`;
  return { outcome: 'violation', detail, expected: 'Signature and Signature-Input', tolerated };
}

/** Judges signatures that must be there and can be read. */
const ofMember = (
  judge: (member: SignatureMember, exchange: GradedExchange, run: Run) => Findings,
): Required<Pick<Judge, 'exchange'>> => ({
  exchange(exchange, run) {
    const { member } = signatureFieldsOf(exchange);
    return mustSign(exchange) && member ? judge(member, exchange, run) : undefined;
  },
});

/** Judges the fields of signatures that must be there. */
const ofFields = (
  judge: (fields: SignatureFields, run: Run, exchange: GradedExchange) => Findings,
): Required<Pick<Judge, 'exchange'>> => ({
  exchange: (exchange, run) =>
    mustSign(exchange) && isSigned(exchange) ? judge(signatureFieldsOf(exchange), run, exchange) : undefined,
});

/** The components that a signature must cover, if there is anything to cover. */
const covers = (wanted: readonly string[], applies: (exchange: GradedExchange) => boolean): Judge =>
  ofMember(({ components }, exchange) => {
    if (!applies(exchange)) return undefined;
    const missing = wanted.filter((name) => !components.includes(name));
    if (missing.length === 0) return pass;
    return {
      outcome: 'violation',
      detail: `The signature does not cover ${missing.join(' and ')}.`,
      expected: wanted.join(' '),
      actual: components.join(' '),
    };
  });

/** Two texts of a base: the line of a component. */
const lineOf = (base: string | undefined, component: string): string | undefined =>
  base?.split('\n').find((line) => line.toLowerCase().startsWith(`"${component}":`));

interface Mistaken {
  readonly names: readonly MistakeName[];
  readonly sentence: string;
  /** The line of `@target-uri`, if the client signed another one. */
  readonly uri: { readonly expected: string; readonly actual: string } | undefined;
}

/** The common mistake that the client made in the text that it signed; undefined if that is our base, or is not known. */
function mistakeOf(exchange: GradedExchange): Mistaken | undefined {
  const { signed, firstDifference, base, mistakes } = exchange.signature;
  if (!signed || !firstDifference) return undefined;
  const [expected, actual] = [lineOf(base, '@target-uri'), lineOf(signed.value, '@target-uri')];
  return {
    names: mistakes.map(({ name }) => name),
    sentence: mistakes.map(({ sentence }) => sentence).join(' '),
    uri:
      expected !== undefined && actual !== undefined && expected !== actual && signed.encoding === 'text'
        ? { expected, actual }
        : undefined,
  };
}

const isUriMistake = ({ names, uri }: Mistaken): boolean =>
  uri !== undefined && names.some((name) => uriMistakes.has(name));

/** True if the signature verifies over exactly our base. */
const verifies = ({ signature }: GradedExchange): boolean =>
  signature.signed !== undefined && signature.firstDifference === undefined;

const isKnownToFail = ({ signature }: GradedExchange): boolean =>
  signature.result !== 'no-key' && signature.base !== undefined && signature.signed === undefined;

const judgeCreated = ({ parameters }: SignatureMember, { receivedAt }: GradedExchange, { state }: Run): Finding => {
  const created = parameters.get('created');
  const expected = `an integer near ${Math.floor(receivedAt / 1000)}`;
  if (!created) return { outcome: 'violation', detail: 'The signature has no created.', expected };
  const actual = String(created.value);
  if (created.type !== 'integer') {
    return { outcome: 'violation', detail: `\`created\` is a ${created.type}, not an integer.`, expected, actual };
  }
  const seconds = receivedAt / 1000 - created.value;
  if (Math.abs(seconds) > MAX_SKEW) {
    const isMilliseconds = created.value > 100_000_000_000;
    const distance = `${Math.abs(Math.round(seconds))} seconds ${seconds > 0 ? 'before' : 'after'} the request`;
    const detail = isMilliseconds ? '`created` is in milliseconds.' : `\`created\` is ${distance}.`;
    return { outcome: 'violation', detail, expected, actual };
  }
  const first = state.signatures.firstWithCreated(created.value);
  if (first !== undefined && receivedAt - first > MAX_LAG) {
    const detail = `\`created\` is the same as ${Math.round((receivedAt - first) / 1000)} seconds earlier.`;
    return { outcome: 'weak', detail, expected, actual };
  }
  return pass;
};

/** The kids that the key of the signature may have, if the run shows them. */
function kidsOf({ operation, body, keySet, keys }: GradedExchange): string[] | undefined {
  const jwk =
    operation === 'post-request' ? (body as { client?: { jwk?: { kid?: unknown } } })?.client?.jwk : undefined;
  const published = (keySet?.document as { keys?: unknown } | undefined)?.keys;
  const kids = jwk ? [jwk.kid] : Array.isArray(published) ? published.map((key) => key?.kid) : undefined;
  const known = kids?.filter((kid) => typeof kid === 'string') ?? keys.map((key) => key.jwk.kid);
  return known.length > 0 ? known : undefined;
}

const judgeKeyid = ({ parameters }: SignatureMember, exchange: GradedExchange): Findings => {
  const keyid = parameters.get('keyid');
  if (keyid?.type !== 'string' || keyid.value === '') {
    return { outcome: 'violation', detail: keyid ? '`keyid` is not a string.' : 'The signature has no keyid.' };
  }
  const kids = kidsOf(exchange);
  if (!kids) return undefined;
  const actual = exchange.masked(keyid.value);
  if (!kids.includes(keyid.value)) {
    const detail = 'No key of the client has this kid.';
    return { outcome: 'violation', detail, expected: exchange.masked(kids.join(', ')), actual };
  }
  if (exchange.signature.mistakes.some(({ name }) => name === 'key-of-another-kid')) {
    const expected = exchange.signature.key?.keyid;
    const detail = 'The client signed with the key of another kid.';
    return { outcome: 'violation', detail, ...(expected !== undefined && { expected }), actual };
  }
  return pass;
};

const judgeInput = ({ input, isUnquoted }: SignatureFields, { switches }: Run, exchange: GradedExchange): Findings => {
  if (!input || (!input.ok && input.fault === 'duplicate_key')) return undefined;
  const sent = fieldOf(exchange, 'signature-input');
  if (!input.ok) {
    if (input.fault === 'duplicate_parameter') return { outcome: 'weak', detail: sentence(input.detail), ...sent };
    const detail = isUnquoted ? 'The component names are not quoted.' : sentence(input.detail);
    const tolerated = isUnquoted && switches.lenientSignatureForms;
    return { outcome: 'violation', detail, tolerated, ...sent, ...offsetOf(input.detail) };
  }
  const stray = input.members.find(({ value }) => !('items' in value));
  if (stray) return { outcome: 'violation', detail: `The member ${stray.key} is not a list in parentheses.` };
  const items = input.members.flatMap(({ value }) => ('items' in value ? value.items : []));
  if (items.some(({ bare }) => bare.type !== 'string')) {
    return { outcome: 'violation', detail: 'A component name is not a string.' };
  }
  return input.members.length > 0 ? pass : { outcome: 'violation', detail: 'The field is empty.' };
};

const judgeSignature = (
  { signature, bare, member }: SignatureFields,
  { switches }: Run,
  exchange: GradedExchange,
): Findings => {
  if (!signature || (!signature.ok && signature.fault === 'duplicate_key')) return undefined;
  const tolerated = bare !== undefined && switches.lenientSignatureForms;
  const expected = 'label=:base64:';
  if (!signature.ok) {
    const detail = sentence(signature.detail);
    const { actual = '' } = fieldOf(exchange, 'signature');
    // The bytes are masked, so that offsets in the field as it was sent would be wrong.
    if (!bare) return { outcome: 'violation', detail, expected, actual };
    const bytes = actual.slice(bare.label === undefined ? 0 : bare.label.length + 1);
    return { ...differs(exchange, `${member?.label ?? bare.label ?? 'sig1'}=:${bytes}:`, actual, detail), tolerated };
  }
  const stray = signature.members.find(({ value }) => !('bare' in value) || value.bare.type !== 'bytes');
  if (stray)
    return { outcome: 'violation', detail: `The member ${stray.key} is not a byte sequence.`, expected, tolerated };
  return signature.members.length > 0 ? pass : { outcome: 'violation', detail: 'The field is empty.', expected };
};

const sentence = (detail: string): string => `${detail[0]!.toUpperCase()}${detail.slice(1)}.`;

function offsetOf(detail: string): Pick<Finding, 'firstDifference'> {
  const [, offset] = /at offset (\d+)$/.exec(detail) ?? [];
  return offset === undefined ? {} : { firstDifference: Number(offset) };
}

const judgeLabels = (
  { input, signature, bare, member }: SignatureFields,
  { switches }: Run,
  exchange: GradedExchange,
): Findings => {
  const violation = (detail: string, tolerated = false): Finding => ({
    outcome: 'violation',
    detail,
    tolerated,
    ...fieldOf(exchange, 'signature-input'),
  });
  for (const [name, field] of [['Signature-Input', input] as const, ['Signature', signature] as const]) {
    if (field && !field.ok && field.fault === 'duplicate_key') return violation(`${name}: ${field.detail}.`);
  }
  if (!member) return undefined;
  const { components, label } = member;
  const repeated = components.find((name, index) => components.indexOf(name) !== index);
  if (repeated !== undefined) return violation(`The component ${repeated} is listed twice.`);
  const capital = components.find((name) => name !== name.toLowerCase());
  if (capital !== undefined) return violation(`The component ${capital} is not in lower case.`);
  if (components.includes('@signature-params')) return violation('`@signature-params` is listed.');
  if (bare?.label === undefined && bare) {
    const finding = violation('Signature has no label.', switches.lenientSignatureForms);
    return { ...finding, expected: `${label}=…`, ...fieldOf(exchange, 'signature') };
  }
  const labels = bare ? [bare.label] : signature?.ok ? signature.members.map(({ key }) => key) : undefined;
  if (!labels) return undefined;
  if (labels.includes(label)) return pass;
  return { ...violation('The two fields have different labels.'), expected: label, actual: labels.join(', ') };
};

/** All signatures that nothing demands, with the keys that the whole run has shown. */
const judgeOptional = ({ state }: Run): Finding[] =>
  state.signatures.optional.flatMap((exchange): Finding[] => {
    if (exchange.signature.result === 'no-key') return [];
    if (verifies(exchange)) return [{ ...pass, exchange: exchange.id }];
    const detail = 'This signature, which nothing demands, does not verify.';
    return [{ outcome: 'violation', detail, exchange: exchange.id }];
  });

export const signaturesJudges = {
  'CL-SIG-01': {
    exchange: (exchange) => (exchange.operation === 'post-request' ? judgePresence(exchange, false) : undefined),
  },
  'CL-SIG-02': {
    exchange(exchange, { switches }) {
      if (!mustSign(exchange) || !hasField(exchange, 'authorization')) return undefined;
      return judgePresence(
        exchange,
        switches.publicGetWithForeignToken && exchange.operation === 'get-incoming-payment',
      );
    },
  },
  'CL-SIG-03': covers(['@method', '@target-uri'], () => true),
  'CL-SIG-04': ofMember(({ components }, exchange) => {
    if (!components.includes('@target-uri')) return undefined;
    const mistaken = mistakeOf(exchange);
    if (!mistaken) return verifies(exchange) ? pass : undefined;
    if (!isUriMistake(mistaken)) return undefined;
    return differs(exchange, mistaken.uri!.expected, mistaken.uri!.actual, mistaken.sentence);
  }),
  'CL-SIG-05': covers(['authorization'], (exchange) => hasField(exchange, 'authorization')),
  'CL-SIG-06': covers(['content-digest'], (exchange) => hasContent(exchange) && hasField(exchange, 'content-digest')),
  'CL-SIG-07': covers(['content-length', 'content-type'], hasContent),
  'CL-SIG-08': ofMember(judgeCreated),
  'CL-SIG-09': ofMember(judgeKeyid),
  'CL-SIG-10': ofMember(({ parameters }, exchange) => {
    const tag = parameters.get('tag');
    if (tag?.value === 'gnap') return pass;
    if (!tag) {
      const sent = fieldOf(exchange, 'signature-input');
      return { outcome: 'violation', detail: 'The signature has no tag.', expected: 'tag="gnap"', ...sent };
    }
    return { outcome: 'violation', detail: 'The tag is another one.', expected: 'gnap', actual: String(tag.value) };
  }),
  'CL-SIG-11': ofMember(({ parameters }) => {
    const alg = parameters.get('alg');
    if (!alg) return pass;
    return { outcome: 'violation', detail: 'The signature states its algorithm.', actual: `alg="${alg.value}"` };
  }),
  'CL-SIG-12': ofMember(({ parameters }, exchange, { state }) => {
    const nonce = parameters.get('nonce');
    if (!nonce) {
      if (state.signatures.lacksNonce) return undefined;
      const detail = 'Signatures of the client have no nonce.';
      return { outcome: 'violation', detail, expected: 'nonce="…"', ...fieldOf(exchange, 'signature-input') };
    }
    const before = state.signatures.exchangeWithNonce(String(nonce.value));
    if (before !== undefined) {
      // One request that a connection sent twice. CL-SIG-17 judges repetitions.
      const same = state.signatures.sameSignature(exchange);
      if (same && exchange.receivedAt - same.receivedAt <= MIN_REPETITION) return undefined;
      return { outcome: 'violation', detail: `The nonce is that of exchange ${before}.` };
    }
    const { length } = String(nonce.value);
    if (length >= MIN_NONCE) return pass;
    return { outcome: 'weak', detail: `The nonce has only ${length} characters.` };
  }),
  'CL-SIG-13': ofFields(judgeInput),
  'CL-SIG-14': ofFields(judgeSignature),
  'CL-SIG-15': ofFields(judgeLabels),
  'CL-SIG-16': ofMember((_member, exchange) => {
    if (verifies(exchange)) return pass;
    const mistaken = mistakeOf(exchange);
    if (mistaken && isUriMistake(mistaken)) return undefined;
    const { base, signed, firstDifference } = exchange.signature;
    if (mistaken) {
      return {
        outcome: 'violation',
        detail: mistaken.sentence,
        expected: base!,
        actual: signed!.value,
        firstDifference: firstDifference!.offset,
      };
    }
    if (!isKnownToFail(exchange)) return undefined;
    const detail = 'The signature verifies neither over our signature base nor over a variant with a common mistake.';
    return { outcome: 'violation', detail, expected: base! };
  }),
  'CL-SIG-17': {
    exchange(exchange, { state }) {
      if (!mustSign(exchange) || !bothFields(exchange)) return undefined;
      const sameSignature = state.signatures.sameSignature(exchange);
      if (sameSignature && exchange.receivedAt - sameSignature.receivedAt > MIN_REPETITION) {
        return { outcome: 'violation', detail: `The signature is that of exchange ${sameSignature.id}.` };
      }
      return state.signatures.isRepetition(exchange) && !sameSignature ? pass : undefined;
    },
  },
  'CL-SIG-18': { end: judgeOptional },
} satisfies JudgesOf<typeof signatures>;
