/** Reads the files of this directory: the requests of a client library as they are on the wire, with placeholders. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One request. Its texts have placeholders: `{{name}}`, or `{{request.member.member}}` for a value of an earlier answer. */
export interface Form {
  readonly name: string;
  readonly url: string;
  /** Request line and fields, in order and as they are spelt. */
  readonly head: readonly string[];
  readonly body: string;
}

/** Client libraries whose forms are known. */
export const libraries: readonly string[] = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.http'))
  .map((file) => file.replace('.http', ''));

/** The requests of a library in the order in which they are sent. */
export function readForms(library: string): Form[] {
  const text = readFileSync(join(import.meta.dirname, `${library}.http`), 'utf8');
  return text
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.trimEnd().split('\n');
      const [, name, url] = /^(\S+) (\S.*)$/.exec(title) ?? [];
      if (name === undefined || url === undefined) throw new Error(`${library}: “${title}” is not a name and a URL`);
      const end = lines.indexOf('');
      const head = end === -1 ? lines : lines.slice(0, end);
      return { name, url, head, body: end === -1 ? '' : lines.slice(end + 1).join('\n') };
    });
}
