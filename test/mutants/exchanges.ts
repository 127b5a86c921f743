/** Mutants of recorded exchanges and of the explanation of signatures. */
import { type Mutant, noticedBy } from './mutant.ts';

const explanation = 'test/grade/explain-signature.test.ts';
const records = 'test/control/exchanges.test.ts';
const masks = 'test/grade/mask-secrets.test.ts';
const hostile = 'test/grade/hostile-content.test.ts';
const marks = 'test/grade/server-mark.test.ts';

export const exchangeMutants: readonly Mutant[] = [
  ...noticedBy(explanation, 'src/grade/explain-signature.ts', [
    {
      id: 'explanation.work-without-bound',
      title: 'a signature that nothing explains',
      at: 'if («verifications >= budget») break;',
      by: 'false',
    },
    {
      id: 'explanation.other-key-unnamed',
      title: 'each mistake is explained',
      at: '= «i === 0» ? [] :',
      by: 'true',
    },
    {
      id: 'explanation.byte-of-a-secret',
      title: 'the first difference',
      at: 'byte === undefined || «isSecret» ?',
      by: 'false',
    },
    {
      id: 'explanation.text-in-hexadecimal',
      title: 'no explanation contains the token',
      at: 'signed: «isUtf8(bytes)»',
      by: 'false',
    },
    {
      id: 'explanation.correct-in-spite-of-refusal',
      title: 'the result is explained',
      at: 'if («verdict.ok») return mistakes.length',
      by: 'true',
    },
  ]),
  ...noticedBy(explanation, 'src/grade/signature-guesses.ts', [
    {
      id: 'explanation.newline-not-tried',
      title: 'each mistake is explained',
      at: 'text((base) => «`${base}\\n`»)',
      by: 'base',
    },
    {
      id: 'explanation.only-all-components-of-the-url',
      title: 'each mistake is explained',
      at: '= «changed.length > 1» ?',
      by: 'false',
    },
    {
      id: 'explanation.no-pairs',
      title: 'two mistakes at once',
      at: 'mistakes: [name, form], bytes: encode(«edited»)',
      by: 'base',
    },
  ]),
  ...noticedBy(explanation, 'src/grade/read-mistaken-signature.ts', [
    {
      id: 'explanation.repaired-parameters',
      title: 'the result is explained',
      at: 'params: «original».slice(at,',
      by: 'input',
    },
  ]),
  ...noticedBy(masks, 'src/grade/mask-secrets.ts', [
    {
      id: 'masks.escaped-secret',
      title: 'JSON in which a secret',
      at: 'return «value === undefined || isShown» ? undefined',
      by: 'value === undefined',
    },
    {
      id: 'masks.value-of-a-token',
      title: 'members of JSON',
      at: "if («name === 'value' && !('assetCode' in value)») return",
      by: 'false',
    },
    {
      id: 'masks.encoded-path',
      title: 'a secret is hidden',
      at: 'if («secrets.includes(decodePercent(segment))») found',
      by: 'false',
    },
  ]),
  ...noticedBy('test/cli/terminal-text.test.ts', 'src/cli/explain-exchange.ts', [
    {
      id: 'terminal.exchange-as-received',
      title: 'touchstone explain exchange',
      at: "«visibleLines(describeInLines(exchange)).join('\\n')»",
      by: 'describeInLines(exchange)',
    },
  ]),
  ...noticedBy('test/cli/terminal-text.test.ts', 'src/cli/payments.ts', [
    {
      id: 'terminal.last-error-as-received',
      title: 'touchstone payments',
      at: '[`    ${«visible(lastError)»}`]',
      by: 'lastError',
    },
  ]),
  ...noticedBy(hostile, 'src/grade/mask-secrets.ts', [
    {
      id: 'masks.lone-surrogate',
      title: 'not Unicode text',
      at: 'const encodable = «secret.toWellFormed()»',
      by: 'secret',
    },
    {
      id: 'masks.too-many-alike',
      title: 'begin too much alike',
      at: 'if («!isComplete») return mask(text)',
      by: 'false',
    },
  ]),
  ...noticedBy(marks, 'src/http/server-mark.ts', [
    {
      id: 'mark.sent-to-clients',
      title: 'the mark goes to servers of the world only',
      at: '(«origins.has(origin)» ? headers : {})',
      by: 'true',
    },
    {
      id: 'mark.any-value',
      title: 'a wrong mark stays in the record',
      at: '«timingSafeEqual(digestOf(value), digest)»',
      by: 'true',
    },
    {
      id: 'mark.known-to-all',
      title: 'processes with a secret in common',
      at: "createHmac('sha256', «secret»)",
      by: "'touchstone'",
    },
  ]),
  ...noticedBy(marks, 'src/http/router.ts', [
    {
      id: 'mark.recorded',
      title: 'a client cannot pass for a server',
      at: 'rawHeaders: «lines», isFromServer',
      by: 'received.rawHeaders',
    },
  ]),
  ...noticedBy(hostile, 'src/grade/grade-exchange.ts', [
    {
      id: 'grade.deep-content',
      title: 'deep JSON is not content',
      at: 'body: «parseJson(request.body)»',
      by: 'JSON.parse(request.body.toString())',
    },
  ]),
  ...noticedBy(hostile, 'src/grade/explain-digest.ts', [
    {
      id: 'explanation.long-body-serialised-anew',
      title: 'a long or deep body',
      at: 'const value = «body.length > MAX_SERIALISED» ?',
      by: 'false',
    },
  ]),
  ...noticedBy('test/grade/grading.test.ts', 'src/grade/describe-exchange.ts', [
    { id: 'grade.describes-without-a-turn', title: 'are described in turns', at: 'await «turn()»', by: 'undefined' },
  ]),
  ...noticedBy('test/grade/grading.test.ts', 'src/grade/grading.ts', [
    {
      id: 'grade.judges-without-a-turn',
      title: 'are made in turns',
      at: 'judge(SLICE_MS);\n      await «turn()»;',
      by: 'undefined',
    },
    {
      id: 'grade.judges-without-end',
      title: 'are made in turns',
      at: 'queue.length > 0 && «judged < last»',
      by: 'true',
    },
    {
      id: 'grade.report-without-bound',
      title: 'are described in turns',
      at: 'if («bytes > maxDescribedBytes») break',
      by: 'false',
    },
    {
      id: 'grade.bytes-without-bound',
      title: 'large requests',
      at: 'else if («bytes > maxBytes») run.stop',
      by: 'false',
    },
  ]),
  ...noticedBy(records, 'src/http/recorded-exchange.ts', [
    {
      id: 'records.bytes-without-bound',
      title: 'records are bounded',
      at: 'records.size <= maxExchanges && «bytes <= maxBytes»',
      by: 'true',
    },
    {
      id: 'records.shared-body',
      title: 'records are bounded',
      at: 'body: «Buffer.from(exchange.body)» })',
      by: 'exchange.body',
    },
  ]),
  ...noticedBy('test/http/trace-call.test.ts', 'src/http/trace-call.ts', [
    {
      id: 'trace.after-the-client',
      title: 'before the client can have it',
      at: 'if ((«res.writableEnded» && res.socket)',
      by: 'res.writableFinished',
    },
    {
      id: 'trace.before-earlier-requests',
      title: 'waits for those to earlier requests',
      at: 'if ((res.writableEnded && «res.socket»)',
      by: 'true',
    },
    {
      id: 'trace.nothing-without-an-answer',
      title: 'without an answer',
      at: "once('close', «report»)",
      by: '() => {}',
    },
  ]),
  ...noticedBy('test/http/send-reply.test.ts', 'src/http/send-reply.ts', [
    {
      id: 'trace.slow-answer-after-the-client',
      title: 'is over with the last one',
      at: '  «res.end()»;\n  return sent;\n}',
      by: '(await wait(50), res.end())',
    },
  ]),
  ...noticedBy(records, 'src/world/runtime.ts', [
    {
      id: 'records.in-exposed-worlds',
      title: 'a world that other machines can reach',
      at: "«exposure.allows('records')» ?",
      by: 'true',
    },
  ]),
];
