/** `touchstone explain CHECK-ID`: a check, or the checks of a requirement. */
import { existsSync } from 'node:fs';
import { ConfigError, didYouMean } from '../../src/errors.ts';
import { field } from '../../src/report/field.ts';
import { checks as singleChecks } from '../checks/index.ts';
import { properties } from '../properties/index.ts';
import { readFigures } from './announcement.ts';
import { capabilities } from './capability.ts';
import type { Check } from './check.ts';
import { describeDeclared } from './declared.ts';
import { findDredd } from './dredd.ts';
import { fixOf } from './fix.ts';
import { linkTo } from './references.ts';
import { type Requirement, readRequirements } from './requirements.ts';
import { root } from './root.ts';
import { levelOf } from './verdict.ts';

type Explainable = Pick<Check, 'id' | 'rows' | 'title' | 'touchstone' | 'profile'>;

const { transactions = [] } = (await findDredd()) ?? {};
const checks: readonly Explainable[] = [...singleChecks, ...properties, ...transactions];

interface Explained {
  readonly id: string;
  readonly title: string;
  readonly level: string;
  readonly requirements: readonly {
    readonly id: string;
    readonly level: string;
    readonly statement: string;
    readonly references: readonly { readonly citation: string; readonly url: string }[];
  }[];
  /** The request of a check of one declared answer, and the members of the answer that it compares. */
  readonly requested?: string;
  readonly compared?: string;
  readonly profile: string;
  readonly needs: readonly string[];
  readonly creates: readonly string[];
  /** Changes of Touchstone that the check notices. Absent where the sources are not at hand. */
  readonly mutants?: readonly string[];
  readonly fix: string;
}

/** Throws ConfigError for an unknown id. */
export async function explainCheck(text: string): Promise<Explained | readonly Explained[]> {
  const requirements = readRequirements();
  const mutants = await readMutants();
  const exact = checks.find(({ id }) => id === text);
  if (exact) return describe(exact, requirements, mutants);
  const some = checks.filter(({ rows }) => rows.includes(text));
  if (some.length > 0) return some.map((check) => describe(check, requirements, mutants));
  const known = [...checks.map(({ id }) => id), ...requirements.map(({ id }) => id)];
  throw new ConfigError(
    `no check, and no requirement of one, has the id ${text.slice(0, 100)}${didYouMean(text, known)}`,
  );
}

function describe(check: Explainable, requirements: readonly Requirement[], mutants: Mutants | undefined): Explained {
  const rows = check.rows.flatMap((row) => requirements.find(({ id }) => id === row) ?? []);
  const figures = readFigures()[check.id] ?? {};
  const created = [
    ['incoming payments', figures.incomingPayments],
    ['quotes', figures.quotes],
    ['outgoing payments', figures.outgoingPayments],
  ] as const;
  const declared = describeDeclared(check.id);
  return {
    id: check.id,
    title: check.title,
    level: check.touchstone ? 'touchstone' : levelOf(check, requirements),
    requirements: rows.map(({ id, level, statement, references }) => ({
      ...{ id, level, statement },
      references: [
        ...references.map((citation) => ({ citation, url: linkTo(citation) })),
        ...(declared?.reference ? [declared.reference] : []),
      ],
    })),
    ...(declared && { requested: declared.requested, compared: declared.compared }),
    profile: check.profile ?? 'compat and strict',
    needs: (figures.needs ?? []).map((need) => capabilities[need]),
    creates: created.filter(([, number]) => number).map(([name, number]) => `${name} ${number}`),
    ...(mutants && { mutants: mutants.filter(({ fails }) => fails?.includes(check.id)).map(({ id }) => id) }),
    fix: declared?.fix ?? fixOf(check, rows),
  };
}

type Mutants = readonly { readonly id: string; readonly fails?: readonly string[] }[];

/** Only a checkout has them. */
async function readMutants(): Promise<Mutants | undefined> {
  const file = new URL('test/mutants/index.ts', root);
  if (!existsSync(file)) return undefined;
  const { mutants } = (await import(file.href)) as { mutants: Mutants };
  return mutants;
}

export const printExplanation = (explained: Explained | readonly Explained[]): string =>
  'id' in explained
    ? printCheck(explained)
    : explained.map(({ id, level, title }) => `${id}  ${level}  ${title}`).join('\n');

function printCheck(check: Explained): string {
  const { id, level, title, requirements, requested, compared, profile, needs, creates, mutants, fix } = check;
  return [
    `${id}  ${level}  ${title}`,
    '',
    ...requirements.flatMap((row) => [
      field('why', `${row.id} (${row.level}): ${row.statement}`),
      ...row.references.map(({ citation, url }) => field('reference', citation === url ? url : `${citation}  ${url}`)),
    ]),
    ...(requested === undefined ? [] : [field('requested', requested)]),
    ...(compared === undefined ? [] : [field('compared', compared)]),
    field('profile', profile),
    field('needs', needs.length === 0 ? 'nothing beyond Open Payments' : needs.join('; ')),
    field('creates', creates.length === 0 ? 'nothing that stays' : creates.join(', ')),
    ...(mutants ? [field('mutants', mutants.length === 0 ? 'none in the catalogue' : mutants.join(', '))] : []),
    field('fix', fix),
  ].join('\n');
}
