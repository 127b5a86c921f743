/** The report for people: the terminal and the HTML page show what is wrong, and nothing that a client sends acts on them. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { anyCharacter } from '../../../conformance/generators/any-character.ts';
import { requirementIds } from '../../../src/grade/catalogue.ts';
import type { Report } from '../../../src/grade/report.ts';
import { renderHtml, renderTerminal, reportFiles } from '../../../src/grade/reports/files.ts';
import { terminalOptions } from '../../../src/report/terminal.ts';
import { markDifference, shorten, visible } from '../../../src/report/visible-text.ts';
import fc from '../../support/fast-check.ts';
import { forHostileReports, invisible } from './hostile.ts';
import { figures, hostileReport, passedReport, sampleReport } from './sample.ts';
import { secrets } from './sample-exchanges.ts';

const plain = { colours: false, columns: 100, location: 'touchstone-report/report.html' };

test('terminal: each failure with level, reference, exchange, difference and fix; then the counts', () => {
  const text = renderTerminal(sampleReport(), plain);
  const parts = [
    "  go test ./test/integration -run 'Pay (USD)'   exit 0\n",
    '  15 requests · 9 of 18 operations · 32 % of declared statuses\n',
    'FAIL  CL-DIG-02  must  Computes the digest over the bytes sent   1 of 8 cases\n',
    '      RFC 9530 §2  https://www.rfc-editor.org/rfc/rfc9530#section-2\n',
    '      #6  digested the body in another serialisation\n',
    '      expected sha-512=:Fj2bK4nZ7w==:\n      actual   sha-512=:Fj2cQ1dR9g==:\n                           ^ byte 12\n',
    '      → Serialise once, and use the same bytes for digest and content.\n',
    'FAIL  CL-GNAP-14',
    '      P01 finish-hash-wrong  The client continued 15 ms after',
    'WARN  CL-GNAP-11  should',
    'NOTE  CL-DIG-05',
    'EXPECTED  CL-TOK-09  the rotation of tokens',
    'INCONCLUSIVE  CL-HTTP-03',
    'STALE  CL-WA-08',
    `  must ${figures('must').join('/')}   should ${figures('should').join('/')}   note ${figures('note').join('/')}   probes 2/3\n`,
    '  expected failures 1   stale 1   not exercised ',
    '  report: touchstone-report/report.html\nFAILED   exit 1\n      3 requirements are not met.\n',
  ];
  let position = 0;
  for (const part of parts) {
    const found = text.indexOf(part, position);
    assert.ok(found >= 0, `${part} after ${position} in ${text}`);
    position = found;
  }
  assert.doesNotMatch(text, /\u001b/);
});

test('no format shows a secret of an exchange', () => {
  const report = sampleReport();
  const texts = Object.entries(reportFiles).map(([name, render]): [string, string] => [name, render(report)]);
  for (const [name, text] of [...texts, ['terminal', renderTerminal(report, plain)] as const]) {
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} in ${name}`);
  }
  assert.ok(texts.find(([name]) => name === 'report.html')![1].includes('TOKE…(19)'), 'the tokens were there');
});

test('terminal: a passed run is short', () => {
  const lines = renderTerminal(passedReport(), plain).split('\n');
  assert.ok(lines.length < 12, lines.join('\n'));
  assert.match(lines.join('\n'), /\nPASSED {3}exit 0\n$/);
});

test('terminal: a reason of several lines keeps them', () => {
  const report = { ...sampleReport(), reasons: ['two things are wrong:\n  - the first\n  - the second\u001b[2J'] };
  const text = renderTerminal(report, plain);
  assert.ok(text.includes('      two things are wrong:\n      - the first\n      - the second\\u{1b}[2J\n'), text);
});

test('terminal: colours only on a terminal and without NO_COLOR; the width is that of the terminal, within limits', () => {
  const terminal = { isTTY: true, columns: 90 };
  assert.deepEqual(terminalOptions(terminal, { TERM: 'xterm' }), { colours: true, columns: 90 });
  assert.equal(terminalOptions(terminal, { NO_COLOR: '1' }).colours, false);
  assert.equal(terminalOptions(terminal, { TERM: 'dumb' }).colours, false);
  assert.deepEqual(terminalOptions({}, {}), { colours: false, columns: 100 });
  assert.deepEqual(
    [20, 500].map((columns) => terminalOptions({ columns }, {}).columns),
    [40, 120],
  );
  const coloured = renderTerminal(sampleReport(), { ...plain, colours: true });
  assert.match(coloured, /\u001b\[31m/);
  assert.equal(stripVTControlCharacters(coloured), renderTerminal(sampleReport(), plain));
  const narrow = renderTerminal(sampleReport(), { ...plain, columns: 60 });
  const lines = narrow.split('\n');
  assert.ok(lines.includes('      → Hash client nonce, server nonce, reference and grant'), narrow);
  assert.ok(lines.includes('      endpoint, one per line, with SHA-256, and compare'), narrow);
});

test('terminal: hostile text shows its controls and sends none', () => {
  forHostileReports((report, text) => {
    const shown = renderTerminal(report, { ...plain, colours: false });
    assert.doesNotMatch(shown, invisible);
    const coloured = renderTerminal(report, { ...plain, colours: true });
    assert.doesNotMatch(coloured.replaceAll(/\u001b\[\d{1,2}m/g, ''), invisible);
    if (text.includes('\u001b')) assert.ok(shown.includes('\\u{1b}'));
  });
});

test('visible text shows invisible characters as escapes and changes nothing else', () => {
  assert.equal(visible('a\u001b[2Jb\u202e\n\ud800é😀'), 'a\\u{1b}[2Jb\\u{202e}\\n\\u{d800}é😀');
  fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => assert.equal(visible(text), text)));
  assert.equal(shorten('ab😀cd', 3), 'ab… (4 more characters)');
});

test('the first byte that differs is marked as a whole character', () => {
  assert.deepEqual(markDifference('aéb', 1), { before: 'a', at: 'é', after: 'b' });
  assert.deepEqual(markDifference('aéb', 2), { before: 'a', at: 'é', after: 'b' });
  assert.deepEqual(markDifference('ab', 2), { before: 'ab', at: '', after: '' });
  assert.deepEqual(markDifference('ab', 9), { before: 'ab', at: '', after: '' });
  const { before, at, after } = markDifference(`${'x'.repeat(500)}Y${'z'.repeat(500)}`, 500);
  assert.deepEqual([before.length, at, after.length], [61, 'Y', 61]);
  const any = fc.tuple(fc.string({ unit: anyCharacter }), fc.nat(80));
  fc.assert(
    fc.property(any, ([text, offset]) => {
      const marked = markDifference(text, offset);
      if (text.length < 60) assert.equal(marked.before + marked.at + marked.after, visible(text));
    }),
  );
});

/** Elements with their attributes, but for those that depend on backticks and on the number of lines. */
const elementsOf = (page: string): string[] =>
  (page.match(/<[^>]*>/g) ?? []).filter((tag) => !/^<\/?(code|span)\b/.test(tag) || tag.includes('id='));

test('HTML: no script, nothing to load, and a policy that allows only the style sheet', () => {
  const page = renderHtml(sampleReport());
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page)!;
  const [, style] = /<style>([\s\S]*?)<\/style>/.exec(page)!;
  const source = `'sha256-${createHash('sha256').update(style!).digest('base64')}'`;
  assert.equal(
    policy!.replaceAll('&#39;', "'"),
    `default-src 'none'; style-src ${source}; img-src data:; base-uri 'none'; form-action 'none'`,
  );
  assert.doesNotMatch(
    page,
    /<(script|img|iframe|object|link rel="stylesheet)|\ssrc=|\son\w+=|\sstyle=|javascript:|@import|url\(/i,
  );
  for (const [, target] of page.matchAll(/href="([^"]*)"/g)) {
    assert.match(
      target!,
      /^(#|https:\/\/(www\.rfc-editor\.org|openpayments\.dev|github\.com\/interledger)\/|data:image)/,
    );
  }
});

test('HTML: every requirement, every exchange and each link within the page has its place', () => {
  const page = renderHtml(sampleReport());
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id!);
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
  for (const id of requirementIds) assert.ok(ids.includes(id), id);
  const targets = [...page.matchAll(/href="#([^"]*)"/g)].map(([, target]) => target!);
  for (const target of ['exchange-13', 'P01-1-exchange-11', 'P02-2-exchange-10']) {
    assert.ok(targets.includes(target), target);
  }
  assert.match(page, /<pre><code>continued\nstopped: status 400/);
  assert.deepEqual(
    targets.filter((target) => !ids.includes(target)),
    [],
  );
  for (const part of [
    '>sha-512=:Fj2<mark>b</mark>K4nZ7w==:<',
    '&quot;content-type&quot;: application/json<mark>;</mark>',
  ]) {
    assert.ok(page.includes(part), part);
  }
  assert.match(page, /Client to resource server of granite:<\/span>\n<span class="says">POST \/outgoing-payments/);
});

test('HTML: hostile text adds no element and no attribute', () => {
  const harmless = elementsOf(renderHtml(hostileReport('x')));
  forHostileReports((report) => {
    const page = renderHtml(report);
    assert.doesNotMatch(page, invisible);
    assert.deepEqual(elementsOf(page).sort(), harmless.toSorted());
  });
});

test('HTML: thousands of exchanges leave a page of bounded size, with those that decided', () => {
  const { exchanges, ...report } = sampleReport();
  const large = 'x'.repeat(20_000);
  const many = Array.from({ length: 3000 }, (_, index) => {
    const exchange = exchanges[index % exchanges.length]!;
    const headers = Array.from({ length: 200 }, (_, header) => [`x-${header}`, large]);
    return { ...exchange, id: index + 1, request: { ...exchange.request, headers, body: large, bytes: large.length } };
  });
  const runs = report.probes[0]!.runs.map((run) => ({ ...run, exchanges: many.slice(0, 50), output: large }));
  const probes = report.probes.flatMap((probe) => (probe.id === 'P01' ? { ...probe, runs } : probe));
  const page = renderHtml({ ...report, probes, exchanges: many } satisfies Report);
  assert.ok(page.length < 9_000_000, `${page.length}`);
  assert.match(page, /<div class="body" id="P01-1">/);
  for (const id of [3, 6, 8, 12, 13, 3000]) assert.ok(page.includes(`id="exchange-${id}"`), `${id}`);
  assert.match(page, /<b>2\d\d\d exchanges left out<\/b>/);
});

test('HTML: a run without requests, probes and command', () => {
  const page = renderHtml({
    ...passedReport(),
    exchanges: [],
    command: null,
    seed: null,
    coverage: { requests: 0, operations: { seen: 0, declared: 0 }, statuses: { seen: 0, declared: 0 }, missing: [] },
  });
  assert.doesNotMatch(page, /id="(flow|probes)"/);
  assert.match(page, /attached to a running world/);
});
