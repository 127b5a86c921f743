/**
 * Declares the tests of several files in this process, a suite each. The test runner of Node.js follows every promise
 * with an asynchronous hook, a tenth of the time of a process: the hook finds the suite that a test is declared in, and
 * the test that an uncaught error belongs to. So it is disabled as soon as all tests are declared; an uncaught error
 * then fails the process and is printed.
 */
import asyncHooks from 'node:async_hooks';
import { relative } from 'node:path';

const { createHook } = asyncHooks;
let runnerHook: asyncHooks.AsyncHook | undefined;
asyncHooks.createHook = (callbacks) => {
  asyncHooks.createHook = createHook;
  runnerHook = createHook(callbacks);
  return runnerHook;
};
// Not before: it keeps the function that creates hooks.
const { describe } = await import('node:test');

/** Paths of test files, which become the names of suites below `root`. */
export function declareFiles(root: string, files: readonly string[]): void {
  for (const event of ['uncaughtExceptionMonitor', 'unhandledRejection']) process.on(event, console.error);
  let undeclared = files.length;
  for (const file of files) {
    describe(relative(root, file), async () => {
      await import(file);
      undeclared -= 1;
      if (undeclared === 0) runnerHook?.disable();
    });
  }
}
