/**
 * Generates the JSON Schema of the report of `touchstone grade` from its TypeScript type.
 *   node codegen/report-schema.ts           writes spec/ase/report.schema.json
 *   node codegen/report-schema.ts --check   writes nothing; fails if the file is out of date
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenerator, type Definition } from 'ts-json-schema-generator';

const root = join(import.meta.dirname, '..');
const TYPE = 'JsonReport';
const TARGET = join('spec', 'ase', 'report.schema.json');

/** Ids in place of lists of all of them, so that a new requirement does not change the format. */
const patterns: Readonly<Record<string, string>> = {
  RequirementId: '^CL-[A-Z]+-\\d{2}$',
  ProbeId: '^P\\d{2}$',
};

function createSchema(): object {
  const { definitions, ...rest } = createGenerator({
    path: join(root, 'src', 'grade', 'reports', 'json.ts'),
    tsconfig: join(root, 'tsconfig.json'),
    type: TYPE,
    // `make lint` checks the types.
    skipTypeCheck: true,
    additionalProperties: false,
  }).createSchema(TYPE);
  const named = Object.entries(definitions ?? {}).map(([name, definition]): [string, unknown] => {
    const pattern = patterns[name];
    return [name, pattern === undefined ? definition : ({ type: 'string', pattern } satisfies Definition)];
  });
  return { ...rest, title: 'Report of touchstone grade', definitions: Object.fromEntries(named) };
}

const [argument, ...others] = process.argv.slice(2);
if ((argument !== undefined && argument !== '--check') || others.length > 0) {
  console.error('usage: node codegen/report-schema.ts [--check]');
  process.exit(1);
}
const text = `${JSON.stringify(createSchema(), null, 2)}\n`;
const target = join(root, TARGET);
if (argument === undefined) writeFileSync(target, text);
else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  console.error(`${TARGET} is out of date: run node codegen/report-schema.ts`);
  process.exit(1);
}
