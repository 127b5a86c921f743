/**
 * Generates the JSON Schemas of the reports of `touchstone grade` and `touchstone check` from their TypeScript types.
 *   node codegen/report-schema.ts           writes spec/ase/report.schema.json and spec/ase/check-report.schema.json
 *   node codegen/report-schema.ts --check   writes nothing; fails if a file is out of date
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenerator, type Definition } from 'ts-json-schema-generator';

const root = join(import.meta.dirname, '..');

const reports = [
  {
    title: 'Report of touchstone grade',
    type: 'JsonReport',
    source: join('src', 'grade', 'reports', 'json.ts'),
    target: join('spec', 'ase', 'report.schema.json'),
  },
  {
    title: 'Report of touchstone check',
    type: 'CheckReport',
    source: join('conformance', 'runner', 'conclusion.ts'),
    target: join('spec', 'ase', 'check-report.schema.json'),
  },
] as const;

/** Ids in place of lists of all of them, so that a new requirement does not change the format. */
const patterns: Readonly<Record<string, string>> = {
  RequirementId: '^CL-[A-Z]+-\\d{2}$',
  ProbeId: '^P\\d{2}$',
};

function createSchema({ title, type, source }: (typeof reports)[number]): object {
  const { definitions, ...rest } = createGenerator({
    path: join(root, source),
    tsconfig: join(root, 'tsconfig.json'),
    type,
    // `make lint` checks the types.
    skipTypeCheck: true,
    additionalProperties: false,
  }).createSchema(type);
  const named = Object.entries(definitions ?? {}).map(([name, definition]): [string, unknown] => {
    const pattern = patterns[name];
    return [name, pattern === undefined ? definition : ({ type: 'string', pattern } satisfies Definition)];
  });
  return { ...rest, title, definitions: Object.fromEntries(named) };
}

const [argument, ...others] = process.argv.slice(2);
if ((argument !== undefined && argument !== '--check') || others.length > 0) {
  console.error('usage: node codegen/report-schema.ts [--check]');
  process.exit(1);
}
for (const report of reports) {
  const text = `${JSON.stringify(createSchema(report), null, 2)}\n`;
  const target = join(root, report.target);
  if (argument === undefined) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    console.error(`${report.target} is out of date: run node codegen/report-schema.ts`);
    process.exitCode = 1;
  }
}
