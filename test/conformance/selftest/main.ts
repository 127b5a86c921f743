/**
 * `node test/conformance/selftest/main.ts [--part answers|hollow|last|dredd]`: shows that the checks, and Dredd, notice wrong
 * answers. Exit status: 0 if they notice all, else 1.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { createRun } from '../../../conformance/runner/run.ts';
import { parseTarget } from '../../../conformance/runner/target.ts';
import { loadOperations } from '../../../conformance/runner/validation.ts';
import { judgeCopies, listRows, mutateOnTheWire, newOutcome, recordAnswers } from './declared.ts';
import { runAgainstHollowServers } from './hollow-servers.ts';
import { runWithWrongLastAnswers } from './last-answers.ts';
import { runDreddAgainstMutatedServers } from './mutated-servers.ts';
import { openDeployment, openWorld } from './world.ts';

interface Result {
  readonly summary: string;
  readonly passed: number;
  readonly problems: readonly string[];
}

/** Mutants derived from the documents, for the check of each declared answer. */
async function mutateAnswers(): Promise<Result> {
  const deployment = await openDeployment();
  const operations = await loadOperations();
  const newRun = async () => createRun(parseTarget(await openWorld(deployment)), operations);
  const rows = listRows(operations);
  const outcome = newOutcome();
  const run = await newRun();
  await recordAnswers(run, rows, outcome);
  await run.close();
  judgeCopies(operations, rows, outcome);
  await mutateOnTheWire(newRun, rows, outcome);
  await deployment.close();
  const { mutants, killed, onTheWire, kinds, problems } = outcome;
  const summary =
    `checks ${rows.length} · mutants ${mutants} of ${kinds.size} kinds · killed ${killed} · ` +
    `survived ${mutants - killed} · also on the wire ${onTheWire}`;
  return { summary, passed: killed, problems };
}

async function tryHollowServers(): Promise<Result> {
  const { checks, servers, passed, atOnce } = await runAgainstHollowServers();
  return {
    summary:
      `checks ${checks} · hollow servers ${servers} · checks that do not fail ${passed.length} · ` +
      `failures at the first request, which is mostly set-up ${atOnce} of ${checks * servers}`,
    passed: checks * servers - passed.length,
    problems: passed.map(({ server, check }) => `SURVIVED ${check}: does not fail on a server that ${server}`),
  };
}

async function tryLastAnswers(): Promise<Result> {
  const { checks, noticed, silent, problems } = await runWithWrongLastAnswers();
  const others = silent.length === 0 ? '' : ` · without a request of a client ${silent.length}`;
  return { summary: `checks ${checks} · last answer wrong, noticed ${noticed}${others}`, passed: noticed, problems };
}

async function tryDredd(): Promise<Result> {
  const { servers, noticed, problems } = await runDreddAgainstMutatedServers();
  return { summary: `Dredd: mutated servers ${servers} · noticed ${noticed}`, passed: noticed, problems };
}

const parts: Readonly<Record<string, () => Promise<Result>>> = {
  answers: mutateAnswers,
  hollow: tryHollowServers,
  last: tryLastAnswers,
  dredd: tryDredd,
};

/** Runs a part in another process, because replies are rewritten for a whole process. */
async function runApart(part: string): Promise<Result> {
  const args = [import.meta.filename, '--part', part, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout) as Result;
}

const { values: options } = parseArgs({
  options: { part: { type: 'string' }, json: { type: 'boolean', default: false } },
});
// A check that has failed may leave a request behind.
process.on('unhandledRejection', () => {});
const wanted = options.part === undefined ? Object.keys(parts) : [options.part];
const unknown = wanted.find((part) => !(part in parts));
if (unknown !== undefined) throw new Error(`unknown part ${unknown}; known: ${Object.keys(parts).join(', ')}`);
const apart = wanted.length > 1 ? runApart('dredd') : undefined;
const results: Result[] = [];
for (const part of wanted) results.push(await (part === 'dredd' && apart ? apart : parts[part]!()));
if (options.json) process.stdout.write(JSON.stringify(results[0]));
else {
  const problems = results.flatMap((result) => result.problems);
  for (const line of [...problems, ...results.map(({ summary }) => summary)]) process.stdout.write(`${line}\n`);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  process.stdout.write(`${passed} passed, ${problems.length} failed\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
