/** Texts with which a client could attack the reader of a report, or a program that reads it. */
import { anyCharacter } from '../../../conformance/generators/any-character.ts';
import type { Report } from '../../../src/grade/report.ts';
import fc from '../../support/fast-check.ts';
import { hostileReport } from './sample.ts';

/** Markup, links, terminal sequences and invisible characters. */
export const attacks = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' style='x",
  '</style></title></pre></code>--><b>',
  ']]><x/>',
  '<!--',
  '&lt;&#60;&amp;',
  '\u001b[2J\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007',
  '\u009b31m',
  '\u0000\u0001\b\u007f',
  '\u202eelgnaert\u2066\u200b\u00ad',
  '\u2028\u2029\u0085\r\n\t',
  '\ud800',
  '\udc00\ufffe\uffff',
  '| a | b |\n| --- | --- |',
  '](https://evil.example) [x](javascript:alert(1)) ![x](https://evil.example/x.png)',
  '` <u>x</u> `` [x](https://evil.example) `',
  '`code` ``` ~~~ **bold** _it_ # h',
  '@octocat www.evil.example https://evil.example a@evil.example GH-1 #1',
  '::set-output name=result::passed',
  '{0} {{1}} [link](1) \\',
  '😀'.repeat(40),
  '',
] as const;

const hostileText = fc
  .array(fc.oneof(fc.constantFrom(...attacks), fc.string({ unit: anyCharacter, maxLength: 8 })), { maxLength: 4 })
  .map((parts) => parts.join(''));

/** Checks the sample with each attack, and with random texts. */
export function forHostileReports(check: (report: Report, text: string) => void): void {
  for (const text of attacks) check(hostileReport(text), text);
  fc.assert(
    fc.property(hostileText, (text) => check(hostileReport(text), text)),
    { numRuns: 5 },
  );
}

/** Everything that a viewer could interpret, hide or reorder, but for line ends and tabs. */
export const invisible = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/u;
