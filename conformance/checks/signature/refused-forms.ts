/** Forms of signatures and digests that both servers refuse. RFC 9421, RFC 9530, RFC 9635 §7.3.1. */
import type { Check } from '../../runner/check.ts';
import { contentDigest } from '../../steps/message-signature.ts';
import { type Form, refusals, signed } from '../../steps/signature-forms.ts';
import { now, withBody } from '../../steps/signed-requests.ts';

const hundreds = Array.from({ length: 300 }, (_, index) => `x-${index}`);

const refused: readonly Form[] = [
  {
    ids: { grant: 'signature.grant-unsigned', payment: 'signature.payment-unsigned' },
    rows: ['SIG-01', 'SIG-31', 'AMB-13'],
    title: 'no signature',
    change: () => ({ sign: false }),
  },
  {
    ids: { grant: 'signature.grant-broken', payment: 'signature.payment-broken' },
    rows: ['SIG-23'],
    title: 'one bit of the signature differs',
    change: signed({ broken: true }),
  },
  {
    ids: { grant: 'signature.grant-no-method', payment: 'signature.payment-no-method' },
    rows: ['SIG-03'],
    title: '@method is not covered',
    change: signed({ components: withBody.slice(1) }),
  },
  {
    ids: { grant: 'signature.grant-no-target', payment: 'signature.payment-no-target' },
    rows: ['SIG-03'],
    title: '@target-uri is not covered',
    change: signed({ components: withBody.filter((name) => name !== '@target-uri') }),
  },
  {
    ids: { grant: 'signature.grant-uncovered-digest', payment: 'signature.payment-uncovered-digest' },
    rows: ['SIG-05', 'SIG-N02'],
    title: 'the digest is not covered',
    change: signed({ components: withBody.slice(0, 3) }),
  },
  {
    ids: { grant: 'signature.grant-no-digest', payment: 'signature.payment-no-digest' },
    rows: ['SIG-05'],
    title: 'a body without digest',
    change: signed({ digest: null, components: withBody.slice(0, 3) }),
  },
  {
    ids: { grant: 'signature.grant-other-body', payment: 'signature.payment-other-body' },
    rows: ['SIG-07', 'SIG-09'],
    title: 'the bytes differ from what was digested',
    change: () => ({
      raw: '{"a":1,"client":"x"}',
      contentType: 'application/json',
      sendInstead: '{"a":2,"client":"x"}',
    }),
  },
  {
    ids: { grant: 'signature.grant-other-digest', payment: 'signature.payment-other-digest' },
    rows: ['SIG-09'],
    title: 'the digest is of something else',
    change: signed({ digest: contentDigest(Buffer.from('x'), 'sha-512') }),
  },
  {
    ids: { grant: 'signature.grant-malformed-digest', payment: 'signature.payment-malformed-digest' },
    rows: ['SIG-09'],
    title: 'the digest is not a dictionary',
    change: signed({ digest: 'sha-512=abc' }),
  },
  {
    ids: { grant: 'signature.grant-unknown-digest', payment: 'signature.payment-unknown-digest' },
    rows: ['SIG-08'],
    title: 'the digest is of an unknown algorithm only',
    change: signed({ digest: 'md5=:CY9rzUYh03PK3k6DJie09g==:' }),
  },
  {
    ids: { grant: 'signature.grant-one-of-two-digests-wrong', payment: 'signature.payment-one-of-two-digests-wrong' },
    rows: ['SIG-08'],
    title: 'one of two known digests does not match',
    change: signed({
      digest: `${contentDigest(Buffer.from('x'), 'sha-256')}, ${contentDigest(Buffer.from('x'), 'sha-512')}`,
    }),
  },
  {
    ids: { grant: 'signature.grant-no-keyid', payment: 'signature.payment-no-keyid' },
    rows: ['SIG-10'],
    title: 'no keyid',
    change: signed({ keyId: null }),
  },
  {
    ids: { grant: 'signature.grant-no-created', payment: 'signature.payment-no-created' },
    rows: ['SIG-11', 'AMB-10'],
    title: 'no created',
    change: signed({ created: null }),
  },
  {
    ids: { grant: 'signature.grant-text-created', payment: 'signature.payment-text-created' },
    rows: ['SIG-11'],
    title: 'created is text',
    change: signed({ created: '"now"' }),
  },
  {
    ids: { grant: 'signature.grant-old', payment: 'signature.payment-old' },
    rows: ['SIG-11'],
    title: 'created an hour ago',
    change: () => ({ sign: { created: now() - 3600 } }),
  },
  {
    ids: { grant: 'signature.grant-future', payment: 'signature.payment-future' },
    rows: ['SIG-11'],
    title: 'created in an hour',
    change: () => ({ sign: { created: now() + 3600 } }),
  },
  {
    ids: { grant: 'signature.grant-expired', payment: 'signature.payment-expired' },
    rows: ['SIG-12'],
    title: 'expired',
    change: () => ({ sign: { parameters: `;expires=${now() - 10}` } }),
  },
  {
    ids: { grant: 'signature.grant-other-alg', payment: 'signature.payment-other-alg' },
    rows: ['SIG-13'],
    title: 'another algorithm',
    change: signed({ parameters: ';alg="rsa-pss-sha512"' }),
  },
  {
    ids: { grant: 'signature.grant-other-tag', payment: 'signature.payment-other-tag' },
    rows: ['SIG-14'],
    title: 'another tag',
    change: signed({ parameters: ';tag="gnap-rotate"' }),
  },
  {
    ids: { grant: 'signature.grant-upper-case', payment: 'signature.payment-upper-case' },
    rows: ['SIG-18'],
    title: 'a component in capitals',
    change: signed({ components: ['@METHOD', ...withBody] }),
  },
  {
    ids: { grant: 'signature.grant-component-twice', payment: 'signature.payment-component-twice' },
    rows: ['SIG-18'],
    title: 'a component twice',
    change: signed({ components: ['@method', ...withBody] }),
  },
  {
    ids: { grant: 'signature.grant-component-parameter', payment: 'signature.payment-component-parameter' },
    rows: ['SIG-18'],
    title: 'a component with a parameter',
    change: signed({ components: [...withBody, '"accept";sf'] }),
  },
  {
    ids: { grant: 'signature.grant-ignored-parameter', payment: 'signature.payment-ignored-parameter' },
    rows: ['SIG-18'],
    title: 'a component with a parameter that the signer ignored',
    change: signed({ components: [...withBody, '"accept";sf'], bareIdentifiers: true }),
  },
  {
    ids: { grant: 'signature.grant-absent-header', payment: 'signature.payment-absent-header' },
    rows: ['SIG-19'],
    title: 'a covered header is absent',
    change: signed({ components: [...withBody, 'x-absent'] }),
  },
  {
    ids: { grant: 'signature.grant-unknown-derived', payment: 'signature.payment-unknown-derived' },
    rows: ['SIG-N01'],
    title: 'an unknown derived component',
    change: signed({ components: [...withBody, '@status'] }),
  },
  {
    ids: { grant: 'signature.grant-labels-differ', payment: 'signature.payment-labels-differ' },
    rows: ['SIG-02'],
    title: 'the two headers name different labels',
    change: signed({ signatureLabel: 'sig2' }),
  },
  {
    ids: { grant: 'signature.grant-prehashed', payment: 'signature.payment-prehashed' },
    rows: ['SIG-23', 'AMB-22'],
    title: 'the hash of the signature base is signed',
    change: signed({ prehash: true }),
  },
  {
    ids: { grant: 'signature.grant-mislabelled-digest', payment: 'signature.payment-mislabelled-digest' },
    rows: ['SIG-08', 'AMB-11'],
    title: 'a digest under the name of another algorithm',
    change: signed({ digest: (body) => contentDigest(body, 'sha-256').replace('sha-256', 'sha-512') }),
  },
  {
    ids: { grant: 'signature.grant-digest-twice', payment: 'signature.payment-digest-twice' },
    rows: ['SIG-N03'],
    title: 'two lines with digests of one algorithm',
    change: () => ({ headers: [['content-digest', contentDigest(Buffer.from('x'), 'sha-512')]], sign: {} }),
  },
  {
    ids: { grant: 'signature.grant-label-twice', payment: 'signature.payment-label-twice' },
    rows: ['SIG-02', 'SIG-N03'],
    title: 'a label twice, on two lines',
    change: signed({ repeated: true }),
  },
  {
    ids: { grant: 'signature.grant-long-list', payment: 'signature.payment-long-list' },
    rows: ['SIG-N05'],
    title: 'some hundred components',
    change: signed({ components: [...withBody, ...hundreds] }),
  },
  {
    ids: { grant: 'signature.grant-deep-list', payment: 'signature.payment-deep-list' },
    rows: ['SIG-02'],
    title: 'lists within lists',
    change: signed({ parameters: `;nonce=${'('.repeat(2000)}` }),
  },
  {
    ids: { grant: 'signature.grant-not-ascii', payment: 'signature.payment-not-ascii' },
    rows: ['SIG-10'],
    title: 'a parameter that is not ASCII',
    change: signed({ parameters: ';nonce="\u00fc"' }),
  },
  {
    ids: { grant: 'signature.grant-parameter-twice', payment: 'signature.payment-parameter-twice' },
    rows: ['SIG-11'],
    title: 'created twice',
    change: () => ({ sign: { parameters: `;created=${now()}` } }),
  },
  {
    ids: { grant: 'signature.grant-decimal-created', payment: 'signature.payment-decimal-created' },
    rows: ['SIG-11'],
    title: 'created is not an integer',
    change: () => ({ sign: { created: `${now()}.5` } }),
  },
];

export const checks: readonly Check[] = refused.flatMap((form) => refusals(form));
