/**
 * `node conformance/dredd/run.ts`: starts a world and lets Dredd compare every answer that the documents declare. Exit
 * status: 0 all are as declared, 1 some are not or were not tried, 2 the run could not be carried out.
 */
import { startTarget } from '../runner/start-target.ts';
import { declaredAnswers } from '../steps/declared-answers.ts';
import { installDredd, runDredd } from './dredd.ts';

async function main(): Promise<number> {
  installDredd();
  const target = await startTarget();
  const results = await runDredd(target.variables).finally(target.stop);
  const failed = results.filter(({ isValid }) => !isValid);
  for (const { name, status, problem } of failed) {
    process.stdout.write(`FAIL ${name}\n  answered ${status ?? 'nothing'}\n  ${problem?.replaceAll('\n', '\n  ')}\n`);
  }
  const untried = declaredAnswers.filter(
    ({ operation, status }) => !results.some((result) => result.operation === operation && result.expected === status),
  );
  for (const { operation, status } of untried) process.stdout.write(`FAIL ${operation} ${status}\n  was not tried\n`);
  process.stdout.write(`Dredd: ${results.length} transactions of ${declaredAnswers.length} declared answers\n`);
  const failures = failed.length + untried.length;
  process.stdout.write(`${results.length - failed.length} passed, ${failures} failed\n`);
  return failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
