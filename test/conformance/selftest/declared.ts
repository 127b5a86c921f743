/** The checks of declared answers under mutations that are derived from the documents. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../../codegen/json.ts';
import { listOperations } from '../../../codegen/operations.ts';
import { checks as declaredChecks } from '../../../conformance/checks/declared/answers.ts';
import { answersCheckId, type Check, runChecks } from '../../../conformance/runner/check.ts';
import type { Run } from '../../../conformance/runner/run.ts';
import { judgeAnswer, type Operations } from '../../../conformance/runner/validation.ts';
import {
  type DeclaredAnswer,
  declaredAnswers,
  expectDeclaredAnswer,
} from '../../../conformance/steps/declared-answers.ts';
import type { Answer } from '../../../conformance/steps/signed-client.ts';
import { type Declaration, type Kind, listMutations, type Mutation } from './mutations.ts';
import { Schemas } from './schema.ts';
import { type Reply, rewriteReplies } from './wire.ts';

/** Marks the requests whose answer a check is about, so that the answers that it needs before stay whole. */
const MARK = 'x-answer-under-test';

interface Row extends DeclaredAnswer {
  readonly check: Check;
  readonly declaration: Declaration;
  /** The answer without a mutation, once its check has passed. */
  answer?: Answer;
  mutations: readonly Mutation[];
}

/** All declared answers with their checks and declarations. */
export function listRows(operations: Operations): Row[] {
  const declarations = new Map<string, Omit<Declaration, 'status' | 'body' | 'mediaTypes' | 'headers'>>();
  const bodies = new Map<string, string | null>();
  for (const server of ['wallet-address-server', 'auth-server', 'resource-server']) {
    const file = join(import.meta.dirname, '../../../generated', server, 'document.json');
    const document = JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
    const schemas = new Schemas(document);
    for (const { id, responses } of listOperations(document)) {
      declarations.set(id, { schemas, operation: id, statuses: [...responses.keys()] });
      for (const [status, pointer] of responses) bodies.set(`${id} ${status}`, pointer);
    }
  }
  return declaredAnswers.map(({ operation, status }) => {
    const { mediaTypes, headers } = operations.get(operation)!.responses.get(status)!;
    const body = bodies.get(`${operation} ${status}`) ?? null;
    const check = declaredChecks.find(({ id }) => id === `declared.${operation}-${status}`)!;
    const declaration = { ...declarations.get(operation)!, status, mediaTypes, headers, body };
    return { operation, status, check, declaration, mutations: [] };
  });
}

const replyOf = ({ status, headers, text }: Answer): Reply => ({
  ...{ status, headers: Object.fromEntries(headers), body: text },
});

/** Runs the check of a row, its answer mutated on the way from the server. */
async function runRow(run: Run, { check, operation, status }: Row, mutation?: Mutation) {
  let answer: Answer | undefined;
  let applied = 0;
  rewriteReplies((request) => {
    if (!mutation || request.headers[MARK] === undefined) return undefined;
    return {
      rewrite: (reply) => {
        if (reply.status !== status) return reply;
        applied += 1;
        return mutation.apply(reply);
      },
    };
  });
  const [result, documents] = await runChecks([check], () => {
    const { context, recorder } = run.contextFor();
    const call: typeof context.call = async (one) => {
      if (one.operation !== operation) return context.call(one);
      const received = await context.call({ ...one, headers: [...(one.headers ?? []), [MARK, operation]] });
      if (received.status === status) answer = received;
      return received;
    };
    return { recorder, context: { ...context, call } };
  });
  rewriteReplies(() => undefined);
  return { failure: result!.failure, documents: documents!.failure, answer, applied };
}

/** True if the check of the row accepts this answer. */
function accepts(operations: Operations, row: Row, { status, headers, body }: Reply): boolean {
  const { answer, operation } = row;
  const read = {
    ...{ status, headers: new Headers(headers), bytes: Buffer.from(body), text: body, body: parse(body) },
  };
  const violation = judgeAnswer(operations, operation, read, answer!.sent.method);
  try {
    expectDeclaredAnswer({ ...answer!, ...read, violation }, row.status);
    return true;
  } catch (error) {
    assert.ok(error instanceof assert.AssertionError, String(error));
    return false;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface Outcome {
  mutants: number;
  killed: number;
  /** Mutants that went over the wire, too. */
  onTheWire: number;
  readonly kinds: Set<Kind>;
  readonly problems: string[];
}

export const newOutcome = (): Outcome => ({ mutants: 0, killed: 0, onTheWire: 0, kinds: new Set(), problems: [] });

/** Runs every check without a mutation, which it must pass, and derives the mutations of its answer. */
export async function recordAnswers(
  run: Run,
  rows: readonly Row[],
  { problems }: Pick<Outcome, 'problems'>,
): Promise<void> {
  for (const row of rows) {
    const { failure, answer } = await runRow(run, row);
    if (failure || !answer) {
      problems.push(`${row.check.id}: fails without a mutation: ${failure?.message}`);
      continue;
    }
    row.answer = answer;
    row.mutations = listMutations(row.declaration, replyOf(answer));
  }
}

/** Judges a copy of the recorded answer under every mutation as the check does. */
export function judgeCopies(operations: Operations, rows: readonly Row[], outcome: Outcome): void {
  for (const row of rows.filter(({ answer }) => answer)) {
    if (!accepts(operations, row, replyOf(row.answer!))) {
      outcome.problems.push(`${row.check.id}: a copy of its answer is refused`);
    }
    for (const mutation of row.mutations) {
      outcome.mutants += 1;
      outcome.kinds.add(mutation.kind);
      if (!accepts(operations, row, mutation.apply(replyOf(row.answer!)))) outcome.killed += 1;
      else outcome.problems.push(`SURVIVED ${nameOf(row, mutation)}`);
    }
  }
}

const nameOf = ({ check }: Row, { kind, place }: Mutation): string => `${check.id}: ${kind}, ${place}`;

/**
 * One mutation of each kind and operation, in rounds: the checks whose answer is mutated must fail, and the others must
 * pass, each of them in at least one round.
 */
export async function mutateOnTheWire(
  newRun: () => Promise<Run>,
  rows: readonly Row[],
  outcome: Outcome,
): Promise<void> {
  const { problems } = outcome;
  const passed = new Set<Row>();
  for (const round of planRounds(rows)) {
    const run = await newRun();
    for (const row of rows.filter(({ answer }) => answer)) {
      const mutation = round.get(row);
      if (mutation) {
        outcome.onTheWire += 1;
        await mutateRow(run, row, mutation, problems);
      } else if (!passed.has(row)) {
        passed.add(row);
        const { failure } = await runRow(run, row);
        if (failure) problems.push(`${row.check.id}: fails while only other answers are mutated: ${failure.message}`);
      }
    }
    await run.close();
  }
}

async function mutateRow(run: Run, row: Row, mutation: Mutation, problems: string[]): Promise<void> {
  const { failure, documents, applied } = await runRow(run, row, mutation);
  if (applied === 0) problems.push(`${nameOf(row, mutation)}: was not applied`);
  else if (!failure) problems.push(`SURVIVED ${nameOf(row, mutation)}, on the wire`);
  // Another status that is declared may have the same schema.
  else if (!documents && mutation.kind !== 'status replaced') {
    problems.push(`SURVIVED ${nameOf(row, mutation)}: ${answersCheckId} passes`);
  }
}

/** For each operation and kind one row, at most one kind for a row in a round. */
function planRounds(rows: readonly Row[]): Map<Row, Mutation>[] {
  const open = new Map<string, { row: Row; mutation: Mutation }[]>();
  for (const row of rows) {
    const kinds = Map.groupBy(
      row.mutations.filter(({ isSample }) => !isSample),
      ({ kind }) => kind,
    );
    for (const [kind, mutations] of kinds) {
      const mutation = mutations[Math.floor(mutations.length / 2)]!;
      const key = `${row.operation} ${kind}`;
      open.set(key, [...(open.get(key) ?? []), { row, mutation }]);
    }
  }
  const rounds: Map<Row, Mutation>[] = [];
  while (open.size > 0) {
    const round = new Map<Row, Mutation>();
    // Kinds that few rows can have come first.
    for (const [key, choices] of [...open].sort(([, a], [, b]) => a.length - b.length)) {
      const choice = choices.find(({ row }) => !round.has(row));
      if (!choice) continue;
      round.set(choice.row, choice.mutation);
      open.delete(key);
    }
    rounds.push(round);
  }
  return rounds;
}
