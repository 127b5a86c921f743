/** Verdicts about the recorded forms of client libraries, in each profile, with what in their bytes explains them. */
import type { RequirementId } from '../../../src/grade/catalogue.ts';
import type { Status } from '../../../src/report/view.ts';

interface Explained {
  readonly compat: Status;
  readonly strict: Status;
  readonly because: string;
}

type Row = readonly [RequirementId, Explained];

const row = (id: RequirementId, compat: Status, strict: Status, because: string): Row => [
  id,
  { compat, strict, because },
];

const untagged = row('CL-SIG-10', 'note', 'fail', 'no client in use sends `tag`');
const algorithm = row('CL-SIG-11', 'note', 'fail', '`alg="ed25519"` is the last parameter');
const noNonce = row('CL-SIG-12', 'warning', 'warning', 'no client in use sends `nonce`');
const bareClient = row('CL-GNAP-03', 'note', 'warning', '`client` is a string');
/** The world gives its clients one key and one wallet address. */
const oneKey = row('CL-KEY-08', 'note', 'warning', 'a hosted client has one key, whatever the server is');
/** The calls of an application, not of the library. */
const openGrants = row('CL-GNAP-31', 'note', 'note', 'the recorded calls cancel one grant of three');
const typeOfNothing = (where: string) => row('CL-HTTP-02', 'note', 'note', `\`Content-Type\` ${where}`);
const slashes = (where: string) => row('CL-GNAP-13', 'fail', 'fail', `a slash is appended to ${where}`);

export const explained: Readonly<Record<string, readonly Row[]>> = {
  go: [
    untagged,
    algorithm,
    noNonce,
    oneKey,
    row('CL-GNAP-11', 'warning', 'warning', 'grants without `finish`, which are polled'),
    row('CL-GNAP-29', 'note', 'note', 'polls with an empty object'),
    openGrants,
  ],
  rust: [
    untagged,
    noNonce,
    row('CL-SIG-13', 'note', 'fail', 'a list of names without quotation marks'),
    row('CL-SIG-14', 'note', 'fail', 'bare Base64'),
    row('CL-SIG-15', 'note', 'fail', 'no label'),
    oneKey,
    bareClient,
    openGrants,
    typeOfNothing('on each request'),
  ],
  php: [
    untagged,
    noNonce,
    row('CL-SIG-14', 'note', 'fail', 'a label, but no colons'),
    row('CL-DIG-06', 'note', 'note', 'the digest of nothing on each signed GET and DELETE'),
    oneKey,
    bareClient,
    slashes('the continuation URI'),
    row('CL-GNAP-29', 'fail', 'fail', '`client` in the content of a continuation'),
    openGrants,
    row('CL-TOK-03', 'warning', 'warning', 'the last token goes along with later grant requests'),
    row('CL-TOK-04', 'warning', 'warning', 'the last token goes along with a public read'),
    row('CL-IP-06', 'warning', 'warning', 'the last token goes along with a public read'),
    row('CL-SEC-04', 'warning', 'warning', 'the last token goes to the other provider'),
    typeOfNothing('on each request'),
    row('CL-HTTP-03', 'fail', 'fail', '`Host` without the port'),
  ],
  dotnet: [
    untagged,
    algorithm,
    noNonce,
    oneKey,
    bareClient,
    slashes('the URLs of resources'),
    openGrants,
    row('CL-IP-05', 'fail', 'fail', '`//complete`'),
    typeOfNothing('on a rotation and a completion, which have no content'),
  ],
};

/** Requests that are refused. Those that build on their answers are not sent. */
export const refused: Readonly<Record<'compat' | 'strict', Readonly<Record<string, readonly string[]>>>> = {
  // A signed read with a token of another provider is authenticated in full (RS-IP-16).
  compat: { php: ['public-incoming 401'] },
  // Their signatures are not structured fields.
  strict: { rust: ['incoming-grant 401', 'quote-grant 401'], php: ['incoming-grant 401'] },
};
