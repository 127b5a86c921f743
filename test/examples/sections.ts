/** Sections of the documentation that can be followed: files to write, and commands. */

export interface Section {
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Its commands, one a line. Empty if there are none. */
  readonly script: string;
}

/** The sections of docs/grade.md for each language. */
export function listLanguages(page: string): Section[] {
  const heading = '## In each language';
  const [, after] = page.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`docs/grade.md has no heading “${heading}”`);
  return parseSections(after.split(/^## /m)[0]!, /^### /m);
}

/** The sections of docs/fixtures.md. */
export const listFixtures = (page: string): Section[] => parseSections(page, /^## /m);

function parseSections(text: string, heading: RegExp): Section[] {
  const [, ...parts] = text.split(heading);
  return parts.map((part) => {
    const blocks = [...part.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
    return {
      name: part.slice(0, part.indexOf('\n')),
      files: blocks.flatMap(([, language, content = '']) => {
        const [, name] = /^(?:\/\/|#) (\S+\.\w+)\n/.exec(content) ?? [];
        return language === 'sh' || name === undefined ? [] : [{ name, text: content }];
      }),
      script: blocks.map(([, language, content]) => (language === 'sh' ? content : '')).join(''),
    };
  });
}
