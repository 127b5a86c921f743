/** Grant requests that are refused for their subject or their interaction. RFC 9635 §2.2 and §2.5. */
import type { Check } from '../../runner/check.ts';
import {
  asking,
  finish,
  interact,
  interacting,
  quote,
  type Refusal,
  refusal,
  withClient,
} from '../../steps/grant-refusals.ts';
import { finishUri } from '../../steps/interaction.ts';
import { outgoingAccess } from '../../steps/scenarios.ts';

const refusals: readonly Refusal[] = [
  {
    id: 'grant.same-identifier-twice',
    rows: ['AS-N08'],
    title: 'two outgoing items for one wallet address',
    request: (c) => {
      const items = [outgoingAccess(c.sender, undefined, ['create']), outgoingAccess(c.sender, undefined, ['read'])];
      return withClient(c, { access_token: { access: items }, interact: interact(finish()) });
    },
  },
  {
    id: 'grant.no-interact',
    rows: ['AS-61'],
    title: 'consent is needed, interact is missing',
    request: asking((c) => outgoingAccess(c.sender)),
  },
  {
    id: 'grant.subject-without-interact',
    rows: ['AS-60'],
    title: 'a subject, interact is missing',
    request: (c) => withClient(c, { subject: { sub_ids: [{ id: c.sender.url, format: 'uri' }] } }),
  },
  {
    id: 'grant.subject-and-token-without-interact',
    rows: ['AS-60'],
    title: 'a subject beside a quote, interact is missing',
    request: (c) => withClient(c, { access_token: quote, subject: { sub_ids: [{ id: c.sender.url, format: 'uri' }] } }),
  },
  {
    id: 'grant.no-subject-id',
    rows: ['AS-62'],
    title: 'a subject without identifiers',
    request: (c) => withClient(c, { subject: { sub_ids: [] }, interact: interact(finish()) }),
  },
  {
    id: 'grant.two-subject-ids',
    rows: ['AS-62'],
    title: 'two subjects',
    request: (c) => {
      const ids = [c.sender.url, c.receiver.url].map((id) => ({ id, format: 'uri' }));
      return withClient(c, { subject: { sub_ids: ids }, interact: interact(finish()) });
    },
  },
  {
    id: 'grant.start-user-code',
    rows: ['AS-70'],
    title: 'another start mode',
    request: interacting(() => ({ start: ['user_code'], finish: finish() })),
  },
  {
    id: 'grant.start-empty',
    rows: ['AS-70'],
    title: 'no start mode',
    request: interacting(() => ({ start: [], finish: finish() })),
  },
  {
    id: 'grant.start-missing',
    rows: ['AS-70'],
    title: 'start is missing',
    request: interacting(() => ({ finish: finish() })),
  },
  {
    id: 'grant.finish-push',
    rows: ['AS-71'],
    title: 'another finish mode',
    request: interacting(() => interact(finish({ method: 'push' }))),
  },
  {
    id: 'grant.finish-no-uri',
    rows: ['AS-71'],
    title: 'finish without uri',
    request: interacting(() => interact(finish({ uri: undefined }))),
  },
  {
    id: 'grant.finish-no-nonce',
    rows: ['AS-71'],
    title: 'finish without nonce',
    request: interacting(() => interact(finish({ nonce: undefined }))),
  },
  {
    id: 'grant.finish-empty-nonce',
    rows: ['AS-70'],
    title: 'an empty nonce',
    request: interacting(() => interact(finish({ nonce: '' }))),
  },
  {
    id: 'grant.hash-method',
    rows: ['AS-72'],
    title: 'another hash',
    request: interacting(() => interact(finish({ hash_method: 'sha3-512' }))),
  },
  {
    id: 'grant.finish-uri-1',
    rows: ['AS-94'],
    title: `finish.uri is ${finishUri}#fragment`,
    request: interacting(() => interact(finish({ uri: `${finishUri}#fragment` }))),
  },
  {
    id: 'grant.finish-uri-2',
    rows: ['AS-94'],
    title: `finish.uri is javascript:alert(1)`,
    request: interacting(() => interact(finish({ uri: 'javascript:alert(1)' }))),
  },
  {
    id: 'grant.finish-uri-3',
    rows: ['AS-94'],
    title: `finish.uri is data:text/plain,x`,
    request: interacting(() => interact(finish({ uri: 'data:text/plain,x' }))),
  },
  {
    id: 'grant.finish-uri-4',
    rows: ['AS-94'],
    title: `finish.uri is file:///tmp/x`,
    request: interacting(() => interact(finish({ uri: 'file:///tmp/x' }))),
  },
  {
    id: 'grant.finish-uri-5',
    rows: ['AS-94'],
    title: `finish.uri is /finish`,
    request: interacting(() => interact(finish({ uri: '/finish' }))),
  },
  {
    id: 'grant.finish-uri-6',
    rows: ['AS-94'],
    title: 'finish.uri is two slashes and a host',
    request: interacting(() => interact(finish({ uri: '//elsewhere.example/' }))),
  },
  {
    id: 'grant.finish-uri-7',
    rows: ['AS-94'],
    title: 'finish.uri is a web URI with a backslash',
    request: interacting(() => interact(finish({ uri: 'https://shop.example\\@elsewhere.example' }))),
  },
  {
    id: 'grant.finish-uri-8',
    rows: ['AS-94'],
    title: 'finish.uri is a web URI without slashes',
    request: interacting(() => interact(finish({ uri: 'https:elsewhere.example' }))),
  },
  {
    id: 'grant.finish-uri-9',
    rows: ['AS-94'],
    title: 'finish.uri is a web URI with user information',
    request: interacting(() => interact(finish({ uri: 'https://shop.example@elsewhere.example/' }))),
  },
  {
    id: 'grant.finish-uri-10',
    rows: ['AS-94'],
    title: 'finish.uri is a web URI with a line break',
    request: interacting(() => interact(finish({ uri: 'https://shop.example/\r\nSet-Cookie: a=b' }))),
  },
  {
    id: 'grant.finish-uri-11',
    rows: ['AS-94'],
    title: 'finish.uri is a web URI with a line break in its host',
    request: interacting(() => interact(finish({ uri: 'https://sh\nop.example/' }))),
  },
  {
    id: 'grant.finish-uri-12',
    rows: ['AS-94'],
    title: 'finish.uri is of a scheme that opens other apps',
    request: interacting(() => interact(finish({ uri: 'intent://elsewhere.example' }))),
  },
];

export const checks: readonly Check[] = refusals.map(refusal);
