/** The sections of docs/grade.md for each language. */

export interface Section {
  readonly name: string;
  /** Its commands, one a line. */
  readonly script: string;
}

const HEADING = '## In each language';

export function listSections(page: string): Section[] {
  const [, after] = page.split(`\n${HEADING}\n`);
  if (after === undefined) throw new Error(`docs/grade.md has no heading “${HEADING}”`);
  const [, ...parts] = after.split(/^## /m)[0]!.split(/^### /m);
  return parts.map((part) => {
    const name = part.slice(0, part.indexOf('\n'));
    const blocks = [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands);
    if (blocks.length === 0) throw new Error(`the section ${name} of docs/grade.md has no commands`);
    return { name, script: blocks.join('') };
  });
}
