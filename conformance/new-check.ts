/** Creates a file for a new check: `node conformance/new-check.ts quote.expired`. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { checkFiles, checks } from './checks/index.ts';

const [id = ''] = process.argv.slice(2);
const [, area, name] = /^([a-z-]+)\.([a-z0-9-]+)$/.exec(id) ?? [];

/** The folder of an area that exists; new areas are conformance and not below `touchstone/`. */
const folder = checkFiles.map(dirname).find((path) => path === area || path === `touchstone/${area}`) ?? area;

const template = `/** TODO: name the protocol part and its section. */
import { expectStatus } from '${folder?.includes('/') ? '../' : ''}../../steps/expect.ts';
import type { Check } from '${folder?.includes('/') ? '../' : ''}../../runner/check.ts';

export const checks: readonly Check[] = [
  {
    id: '${id}',
    rows: [],
    title: 'TODO: the behaviour, in one sentence',
    run: async (context) => {
      const answer = await context.call({ operation: 'get-wallet-address', url: context.sender.url, sign: false });
      expectStatus(answer, 200);
    },
  },
];
`;

/** @returns the problem with the id, or undefined */
function createCheck(): string | undefined {
  if (folder === undefined) return 'usage: node conformance/new-check.ts AREA.BEHAVIOUR';
  if (checks.some((check) => check.id === id)) return `${id} exists already`;
  const file = join(import.meta.dirname, 'checks', folder, `${name}.ts`);
  if (existsSync(file)) return `${file} exists already`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, template);
  console.log(`created ${relative(process.cwd(), file)}
next: 1. name the rows of conformance/requirements/ that it can falsify, and write the check
      2. run it: node conformance/runner/main.ts --start --only '^${id.replace('.', '\\.')}$'
      3. add a mutant with fails: ['${id}'] to test/mutants/, and run: make mutants ARGS='--only ${id}'`);
  return undefined;
}

const problem = createCheck();
if (problem) {
  console.error(problem);
  process.exitCode = 2;
}
