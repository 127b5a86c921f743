/**
 * The tables of `docs/client-requirements.md` from the catalogue. `node test/grade/requirements-page.ts` writes them into
 * the page.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { areaNames, areas, idsOf, requirementIds, requirements } from '../../src/grade/catalogue.ts';
import { probeIds, probes } from '../../src/grade/probes.ts';
import { linkTo } from '../../src/grade/references.ts';
import { levels } from '../../src/grade/requirement.ts';

export const pageFile = join(import.meta.dirname, '..', '..', 'docs', 'client-requirements.md');

const block = /(<!-- catalogue -->\n)[\s\S]*?(\n<!-- \/catalogue -->)/;

const row = (...cells: (string | number)[]): string =>
  `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |`;

const table = (head: readonly string[], rows: readonly string[]): string =>
  [row(...head), row(...head.map(() => '---')), ...rows].join('\n');

function countTable(): string {
  const count = (ids: readonly (typeof requirementIds)[number][]) => [
    ...levels.map((level) => ids.filter((id) => requirements[id].level === level).length),
    ids.length,
  ];
  return table(
    ['Area', ...levels, 'all'],
    [...areaNames.map((area) => row(areas[area], ...count(idsOf(area)))), row('All', ...count(requirementIds))],
  );
}

function cite(citation: string): string {
  const text = citation.startsWith('https:') ? new URL(citation).pathname.split('/').at(-1) : citation;
  return `[${text}](${linkTo(citation)})`;
}

const areaTables = areaNames.map((area) => {
  const rows = idsOf(area).map((id) => {
    const { level, compat, title, statement, references } = requirements[id];
    return row(
      id,
      compat ? `${level}, in \`compat\` ${compat}` : level,
      `**${title}.** ${statement}`,
      references.map(cite).join(', '),
    );
  });
  return `## ${areas[area]}\n\n${table(['Id', 'Level', 'Requirement', 'References'], rows)}`;
});

const probeTable = table(
  ['Id', 'Name', 'The server', 'Judges'],
  probeIds.map((id) => row(id, `\`${probes[id].name}\``, probes[id].server, probes[id].judges.join(', '))),
);

/** The page with its tables renewed. */
export const renewPage = (page: string): string =>
  page.replace(block, (_, begin: string, end: string) =>
    [begin, [`## Numbers\n\n${countTable()}`, ...areaTables, `## Probes\n\n${probeTable}`].join('\n\n'), end].join(''),
  );

if (process.argv[1] === import.meta.filename) writeFileSync(pageFile, renewPage(readFileSync(pageFile, 'utf8')));
