/** The table of results in figures.md. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Report } from '../../src/grade/report.ts';
import { countLevels } from '../../src/grade/reports/summary.ts';
import type { Suite, SuiteCounts } from './suites.ts';

export interface Figures {
  readonly suite: Suite;
  readonly commit: string;
  readonly counts: SuiteCounts;
  readonly report?: Report;
}

const start = '<!-- figures -->\n';
const end = '<!-- /figures -->';
const headings = ['Suite', 'Revision', 'Tests', 'Must', 'Should', 'Violated', 'Tolerated', 'Requests', 'Operations'];

/** Replaces the rows of the suites that ran, and keeps those of the others. */
export async function writeFigures(file: string, figures: readonly Figures[]): Promise<void> {
  const page = await readFile(file, 'utf8');
  const [before = '', rest = ''] = page.split(start);
  const [table = '', after = ''] = rest.split(end);
  const rows = new Map(
    table
      .split('\n')
      .slice(2)
      .filter(Boolean)
      .map((row) => [row.split('|')[1]!.trim(), row]),
  );
  for (const each of figures) rows.set(each.suite.name, printRow(each));
  const lines = [`| ${headings.join(' | ')} |`, `| ${headings.map(() => '---').join(' | ')} |`, ...rows.values()];
  await writeFile(file, `${before}${start}${lines.join('\n')}\n${end}${after}`);
}

function printRow({ suite, commit, counts, report }: Figures): string {
  const cells = [suite.name, commit.slice(0, 7), `${counts.passed} of ${suite.tests}`];
  if (report) {
    const { must, should } = countLevels(report);
    const tolerated = report.verdicts.flatMap(({ id, level, status }) =>
      level === 'must' && status === 'note' ? [id] : [],
    );
    const listed = report.verdicts.flatMap(({ id, expected }) => (expected === undefined ? [] : [id]));
    const { seen, declared } = report.coverage.operations;
    cells.push(
      `${must.met}/${must.judged}`,
      `${should.met}/${should.judged}`,
      listed.join(', ') || 'none',
      tolerated.join(', ') || 'none',
    );
    cells.push(String(report.exchanges.length), `${seen} of ${declared}`);
  }
  return `| ${cells.join(' | ')} |`;
}
