/**
 * Completeness of a whole run against Touchstone itself: it has seen every declared answer with every branch of its
 * schema, and an answer that needs each action of the overlays. Exceptions have a reason each.
 */
import type { CheckResult } from './check.ts';
import type { RefereeReport } from './referee.ts';
import type { Coverage } from './validation.ts';

const DISCOVERY = 'The discovery response says everything that RFC 9635 §9 has a member for and this server knows.';
const OUTGOING = 'An outgoing payment always shows its quote, its state and the spent amounts (RS-OP-03).';
const NARROWS = 'It closes or tightens a schema, so it allows no answer.';
const BOUNDS = 'It bounds a value of requests, which the properties exceed.';
const NEWER = 'It adds to version 1.3.2 of the document; version 1.3.0 has it.';

/**
 * Optional members of answers that Touchstone always sends. A schema cannot say so, and no request can bring an answer
 * without them, so their absence is not a branch of Touchstone's own answers. An answer without one fails the run.
 */
export const alwaysSent: Readonly<Record<string, string>> = {
  'auth-server continue/wait': 'A client is always told how long to wait, and zero is said as well (AS-10, OPI-026).',
  'auth-server access_token/expires_in': 'Every token expires (AS-12).',
  'auth-server options-discovery 200/key_proofs_supported': DISCOVERY,
  'auth-server options-discovery 200/sub_id_formats_supported': DISCOVERY,
  'auth-server options-discovery 200/key_rotation_supported': DISCOVERY,
  'auth-server get-discovery 200/key_proofs_supported': DISCOVERY,
  'auth-server get-discovery 200/sub_id_formats_supported': DISCOVERY,
  'auth-server get-discovery 200/key_rotation_supported': DISCOVERY,
  'resource-server list-incoming-payments 200/pagination': 'Every page says where it is (RS-L-10).',
  'resource-server list-incoming-payments 200/result': 'An empty list is there as well.',
  'resource-server list-outgoing-payments 200/pagination': 'Every page says where it is (RS-L-10).',
  'resource-server list-outgoing-payments 200/result': 'An empty list is there as well.',
  'resource-server outgoing-payment-with-spent-amounts/quoteId': OUTGOING,
  'resource-server outgoing-payment-with-spent-amounts/failed': OUTGOING,
  'resource-server outgoing-payment-with-spent-amounts/grantSpentDebitAmount': OUTGOING,
  'resource-server outgoing-payment/quoteId': OUTGOING,
  'resource-server outgoing-payment/failed': OUTGOING,
  'resource-server quote/expiresAt': 'Every quote expires (RS-Q-16).',
  'resource-server public-incoming-payment/receivedAmount': 'The public view has exactly its two members (RS-IP-14).',
};

/** Declared answers, alternatives and members that no request brings about: at most ten. */
export const unseenReasons: Readonly<Record<string, string>> = {
  'auth-server post-continue 404: alternative error-invalid-request':
    'Upstream declares this code; a continuation that cannot be parsed is 400 here (OPI-006).',
  'auth-server delete-continue 401: alternative error-invalid-request':
    'Upstream declares this code; a cancellation without its token is 401 `invalid_client` here (AS-111).',
  'wallet-address-server json-web-key/use: present':
    'A registered key may have `use`, which is optional and not published (WA-29).',
};

/** Actions of overlays that do not allow an answer. */
export const unneededReasons: Readonly<Record<string, string>> = {
  'auth-server $.components.schemas[?@.properties.error] (OPI-003)': NARROWS,
  "auth-server $.paths['/token/{id}'].post.responses['400'].content['application/json'].schema (OPI-005)":
    'It names the two codes of a status that the action before it left open.',
  'auth-server $.components.schemas.receiver (OPI-083)': BOUNDS,
  "auth-server $.components.schemas['access-incoming'].properties.identifier (OPI-083)": BOUNDS,
  "auth-server $.components.schemas['access-outgoing'].properties.identifier (OPI-083)": BOUNDS,
  "auth-server $.components.schemas['interact-request'].properties.start (OPI-083)": BOUNDS,
  "auth-server $.components.schemas['interact-request'].properties.finish.properties.uri (OPI-083)": BOUNDS,
  "auth-server $.components.schemas['interact-request'].properties.finish.properties.nonce (OPI-083)": BOUNDS,
  "resource-server $.paths['/incoming-payments'].get.responses['200'].content['application/json'].schema.properties.result.items (OPI-001)":
    NARROWS,
  "resource-server $.paths['/incoming-payments/{id}/complete'].post.responses['200'].content['application/json'].schema (OPI-001)":
    NARROWS,
  "resource-server $.components.parameters['wallet-address'] (OPI-002)": 'It concerns the spelling of a request.',
  "resource-server $.components.schemas['public-incoming-payment'].unresolvedProperites (OPI-007)":
    'The removed keyword has no meaning, so nothing depends on it.',
  "resource-server $.components.schemas['public-incoming-payment'] (OPI-007)": NARROWS,
  'resource-server $.components.schemas.receiver (OPI-083)': BOUNDS,
  'resource-server $.components.schemas.walletAddress (OPI-083)': BOUNDS,
  'resource-server $.components.parameters.cursor.schema (OPI-083)': BOUNDS,
  'wallet-address-server $.components.schemas (OPI-103)': NEWER,
  'wallet-address-server $.paths (OPI-103)': NEWER,
};

/** @param seen answers and branches, as `countCoverage` takes them */
export function judgeCompleteness(
  coverage: Coverage,
  seen: ReadonlySet<string>,
  overlays: RefereeReport,
): CheckResult[] {
  const wrong = [...impossibleBranches].filter((branch) => seen.has(branch));
  const shared = { rows: ['CT-09'], requests: overlays.judged };
  return [
    {
      id: 'answers.seen',
      title: 'every declared answer and every branch of its schema was seen, but for the listed ones',
      ...shared,
      ...failureFor([
        ...compare(coverage.unseen, unseenReasons, 'was not seen', 'was seen'),
        ...wrong.map((branch) => `${branch} was seen: Touchstone does not always send it`),
      ]),
    },
    {
      id: 'answers.overlays-needed',
      title: 'an answer needed each action of the overlays, but for the listed ones',
      ...shared,
      ...failureFor(compare(overlays.unneeded, unneededReasons, 'was not needed', 'was needed')),
    },
  ];
}

/** Branches that Touchstone's own answers do not have. */
export const impossibleBranches: ReadonlySet<string> = new Set(
  Object.keys(alwaysSent).map((member) => `${member}: absent`),
);

const failureFor = (problems: readonly string[]): Pick<CheckResult, 'failure'> =>
  problems.length === 0 ? {} : { failure: { message: problems.join('\n'), answer: undefined } };

/** Differences between what is missing and what may be. */
function compare(
  missing: readonly string[],
  reasons: Readonly<Record<string, string>>,
  wordForMissing: string,
  wordForPresent: string,
): string[] {
  return [
    ...missing.filter((each) => !(each in reasons)).map((each) => `${each} ${wordForMissing}`),
    ...Object.keys(reasons)
      .filter((each) => !missing.includes(each))
      .map((each) => `${each} ${wordForPresent}: its reason is not needed any more`),
  ];
}
