/** `TOUCHSTONE_OUTCOME`: the file in which the command states what its library reported. One for each run. */
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseOutcomes } from '../../grade/reported-outcomes.ts';

/** More is not read. */
const MAX_BYTES = 1 << 20;
const NAME = 'TOUCHSTONE_OUTCOME';

/** The variable for the command. Nothing exists at the path yet. */
export const outcomeVariable = (directory: string): Record<string, string> => ({
  [NAME]: join(directory, 'outcomes.ndjson'),
});

/** Empty if the command wrote none. */
export async function readOutcomes(
  variables: Readonly<Record<string, string>>,
): Promise<ReturnType<typeof parseOutcomes>> {
  const text = await readBeginning(variables[NAME]!).catch(() => undefined);
  return text === undefined ? { outcomes: [] } : parseOutcomes(text);
}

async function readBeginning(file: string): Promise<string | undefined> {
  // The command may have put anything there, and a pipe or device would never end.
  if (!(await lstat(file)).isFile()) return undefined;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(MAX_BYTES), position: 0 });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
