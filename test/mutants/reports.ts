/** Mutants of the reports: text that acts on its reader, and figures that flatter a client. */
import { type Mutant, noticedBy } from './mutant.ts';

const formats = 'test/grade/reports/reports.test.ts';
const pages = 'test/grade/reports/pages.test.ts';

export const reportMutants: readonly Mutant[] = [
  ...noticedBy(pages, 'src/report/visible-text.ts', [
    {
      id: 'reports.terminal-sequences',
      title: 'terminal: hostile text',
      at: 'text.replace(«INVISIBLE», (character)',
      by: '/[\\u202e]/gu',
    },
  ]),
  ...noticedBy(pages, 'src/report/html/exchanges.ts', [
    {
      id: 'reports.decisive-exchange-left-out',
      title: 'thousands of exchanges',
      at: 'if («position >= 0») return position;',
      by: 'false',
    },
    {
      id: 'reports.page-without-bound',
      title: 'thousands of exchanges',
      at: 'if («size > MAX_SIZE») break;',
      by: 'false',
    },
  ]),
  ...noticedBy(formats, 'src/report/markdown.ts', [
    {
      id: 'reports.short-fence',
      title: 'Markdown: hostile text',
      at: "'`'.repeat(«longest + 1»)",
      by: '1',
    },
  ]),
  ...noticedBy(formats, 'src/grade/reports/summary.ts', [
    {
      id: 'reports.expected-failure-fails',
      title: 'JUnit: valid against its schema',
      at: '«expected !== undefined && violations.has(status)» ?',
      by: 'false',
    },
  ]),
];
