/** Mutants of the inspector: its sessions and forms, and the hash that a payment by hand checks. */
import type { Mutant } from './mutant.ts';

const session = 'src/inspector/session.ts';
const app = 'src/inspector/app.ts';
const securityTest = 'test/inspector/security.test.ts';
const pagesTest = 'test/inspector/pages.test.ts';
const live = 'src/inspector/live.ts';
const liveTest = 'test/inspector/live.test.ts';

export const inspectorMutants: readonly Mutant[] = [
  {
    id: 'inspector.code-works-twice',
    file: session,
    at: '«codes.delete(code)»;',
    by: 'undefined',
    test: securityTest,
    title: 'a link works once',
  },
  {
    id: 'inspector.form-without-token',
    file: app,
    at: "if («!hasFormToken(session, form['form'])») throw",
    by: 'false',
    test: securityTest,
    title: 'forms need the token of their session',
  },
  {
    id: 'inspector.form-of-any-origin',
    file: app,
    at: 'if («!isFromOwnPage(exchange)»)',
    by: 'false',
    test: securityTest,
    title: 'a page of this origin',
  },
  {
    id: 'inspector.any-host',
    file: app,
    at: '«checkControlHost(host, hosts)»;',
    by: 'undefined',
    test: securityTest,
    title: 'a foreign Host is refused',
  },
  {
    id: 'inspector.any-token-signs-in',
    file: app,
    at: 'if (expected === undefined || «!equalSecrets(token, expected)»)',
    by: "token === ''",
    test: securityTest,
    title: 'a wrong one does not',
  },
  {
    id: 'inspector.finish-without-hash',
    file: 'src/inspector/hand-flow.ts',
    at: "return «returned.get('hash') === createInteractionHash({ ...hashed, interactRef }, hashEncoding)» ? interactRef",
    by: 'true',
    test: pagesTest,
    title: 'a wrong hash is refused',
  },
  {
    id: 'inspector.stream-outlives-session',
    file: live,
    at: 'if («!isAllowed()») res.end();',
    by: 'false',
    test: liveTest,
    title: 'one whose session has ended, lose the stream',
  },
  {
    id: 'inspector.stream-collects',
    file: live,
    at: 'else if («res.writableNeedDrain») res.destroy();',
    by: 'false',
    test: liveTest,
    title: 'a browser that does not read',
  },
  {
    id: 'inspector.streams-without-bound',
    file: live,
    at: 'if (isClosed || «streams.size >= MAX_STREAMS») return false;',
    by: 'false',
    test: liveTest,
    title: 'the number of streams is bounded',
  },
];
