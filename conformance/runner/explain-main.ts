/** The command line of `touchstone explain` for checks: an id and `--json`. */
import { ConfigError } from '../../src/errors.ts';
import { explainCheck, printExplanation } from './explain.ts';

const args = process.argv.slice(2);
const [id = ''] = args.filter((arg) => !arg.startsWith('--'));
try {
  const explained = await explainCheck(id);
  process.stdout.write(
    `${args.includes('--json') ? JSON.stringify(explained, null, 2) : printExplanation(explained)}\n`,
  );
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`touchstone: ${error.message}\n`);
  process.exitCode = 1;
}
