/** Forms of signatures and digests that both servers accept, some of them only in `compat`. RFC 9421, RFC 9635 §7.3.1. */
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { acceptances, type Form, type Ids, refusals, signed } from '../../steps/signature-forms.ts';
import { now, withBody } from '../../steps/signed-requests.ts';

/** Forms of clients in use that are not structured fields: refused in `strict`, accepted in `compat`. */
const loose: readonly (Form & { readonly strictIds: Ids })[] = [
  {
    ids: { grant: 'signature.grant-php', payment: 'signature.payment-php' },
    strictIds: { grant: 'signature.grant-strict-php', payment: 'signature.payment-strict-php' },
    rows: ['SIG-25'],
    title: 'a signature without colons',
    change: signed({ form: 'php' }),
  },
  {
    ids: { grant: 'signature.grant-rust', payment: 'signature.payment-rust' },
    strictIds: { grant: 'signature.grant-strict-rust', payment: 'signature.payment-strict-rust' },
    rows: ['SIG-25', 'SIG-26'],
    title: 'an unquoted list and a bare signature',
    change: signed({ form: 'rust' }),
  },
];

/** Forms that both servers accept. */
const accepted: readonly Form[] = [
  {
    ids: { grant: 'signature.grant-label', payment: 'signature.payment-label' },
    rows: ['SIG-02'],
    title: 'another label',
    change: signed({ label: 'foo' }),
  },
  {
    ids: { grant: 'signature.grant-few-components', payment: 'signature.payment-few-components' },
    rows: ['SIG-06'],
    title: 'content-length and content-type are not covered',
    change: signed({ components: withBody.slice(0, 4) }),
  },
  {
    ids: { grant: 'signature.grant-sha-256', payment: 'signature.payment-sha-256' },
    rows: ['SIG-08'],
    title: 'a sha-256 digest',
    change: signed({ digest: 'sha-256' }),
  },
  {
    ids: { grant: 'signature.grant-pretty-printed', payment: 'signature.payment-pretty-printed' },
    rows: ['SIG-07'],
    title: 'white space in the body',
    prettyPrinted: true,
    change: () => ({ contentType: 'application/json; charset=utf-8' }),
  },
  {
    ids: { grant: 'signature.grant-alg', payment: 'signature.payment-alg' },
    rows: ['SIG-13', 'AMB-10'],
    title: 'alg="ed25519"',
    change: signed({ parameters: ';alg="ed25519"' }),
  },
  {
    ids: { grant: 'signature.grant-tag', payment: 'signature.payment-tag' },
    rows: ['SIG-14', 'AMB-10'],
    title: 'tag="gnap"',
    change: signed({ parameters: ';tag="gnap"' }),
  },
  {
    ids: { grant: 'signature.grant-expires', payment: 'signature.payment-expires' },
    rows: ['SIG-12'],
    title: 'not yet expired',
    change: () => ({ sign: { parameters: `;expires=${now() + 60}` } }),
  },
  {
    ids: { grant: 'signature.grant-component-order', payment: 'signature.payment-component-order' },
    rows: ['SIG-17'],
    title: 'components in reverse',
    change: signed({ components: [...withBody].reverse() }),
  },
  {
    ids: { grant: 'signature.grant-parameter-order', payment: 'signature.payment-parameter-order' },
    rows: ['SIG-17'],
    title: 'parameters in another order',
    change: () => ({ sign: { created: null, parameters: `;nonce="${randomUUID()}";created=${now()}` } }),
  },
  {
    ids: { grant: 'signature.grant-authority', payment: 'signature.payment-authority' },
    rows: ['SIG-N01'],
    title: '@authority, @path and more are covered',
    change: signed({ components: [...withBody, '@authority', '@path', '@scheme', '@query', '@request-target'] }),
  },
  {
    ids: { grant: 'signature.grant-any-header', payment: 'signature.payment-any-header' },
    rows: ['SIG-N01'],
    title: 'another header is covered',
    change: () => ({
      headers: [['date', 'Tue, 20 Apr 2021 02:07:55 GMT']],
      sign: { components: [...withBody, 'date'] },
    }),
  },
];

export const checks: readonly Check[] = [
  ...accepted.flatMap((form) => acceptances(form)),
  ...loose.flatMap((form) => acceptances(form, 'compat')),
  ...loose.flatMap((form) => refusals({ ...form, ids: form.strictIds }, 'strict')),
];
