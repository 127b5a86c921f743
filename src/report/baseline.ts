/** The file of `--baseline`: known violations with their reasons, in YAML or JSON. */
import { readFile } from 'node:fs/promises';
import { dump, FAILSAFE_SCHEMA, load } from 'js-yaml';
import { ConfigError, didYouMean } from '../errors.ts';

/** A violation that is known, so that it does not fail a run. */
export interface KnownViolation {
  readonly id: string;
  readonly reason: string;
}

/** The members of an entry that a program reads, besides its reason. `place` begins messages. Throws ConfigError. */
export interface EntryReader<Entry extends KnownViolation> {
  readonly members: readonly string[];
  read(entry: Readonly<Record<string, unknown>>, reason: string, place: string): Entry;
}

/** Throws ConfigError with the first mistake. */
export async function readBaseline<Entry extends KnownViolation>(
  file: string,
  reader: EntryReader<Entry>,
): Promise<Entry[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`--baseline cannot read ${file} (${error.code})`);
  });
  return parseBaseline(text, file, reader);
}

/** `source` names the file in messages. Throws ConfigError. */
export function parseBaseline<Entry extends KnownViolation>(
  text: string,
  source: string,
  reader: EntryReader<Entry>,
): Entry[] {
  const entries = parseYaml(text, source);
  if (!Array.isArray(entries)) throw new ConfigError(`${source} is not a list of entries with id and reason`);
  const parsed = entries.map((entry, index) => parseEntry(entry, `${source}: entry ${index + 1}`, reader));
  const ids = parsed.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw new ConfigError(`${source} lists ${repeated} twice: merge the entries`);
  return parsed;
}

function parseYaml(text: string, source: string): unknown {
  try {
    // An empty file lists nothing.
    return load(text, { schema: FAILSAFE_SCHEMA }) ?? [];
  } catch (error) {
    throw new ConfigError(`${source} is not YAML: ${(error as Error).message.split('\n', 1)[0]}`);
  }
}

function parseEntry<Entry extends KnownViolation>(
  value: unknown,
  place: string,
  { members, read }: EntryReader<Entry>,
): Entry {
  if (typeof value !== 'object' || value === null) throw new ConfigError(`${place} has no id and reason`);
  const entry = value as Record<string, unknown>;
  const known = ['id', 'reason', ...members];
  const unknown = Object.keys(entry).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ConfigError(`${place} has a member ${unknown}${didYouMean(unknown, known)}`);
  const { reason } = entry;
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new ConfigError(`${place} has no reason: say why the violation is expected`);
  }
  return read(entry, reason, place);
}

/** The value as one of these ids. Throws ConfigError. */
export function readId<Id extends string>(value: unknown, ids: readonly Id[], place: string): Id {
  const found = ids.find((each) => each === value);
  if (found !== undefined) return found;
  const name = typeof value === 'string' ? value.slice(0, 100) : 'a value that is not text';
  throw new ConfigError(`${place} has the unknown id ${name}${didYouMean(name, ids)}`);
}

/** The text of a file. */
export function printBaseline(program: string, entries: readonly KnownViolation[]): string {
  const list = entries.length === 0 ? '[]\n' : dump(entries, { schema: FAILSAFE_SCHEMA, lineWidth: 120 });
  return `# Expected violations for ${program} --baseline. Replace each reason with yours.\n${list}`;
}
