/** Labelled texts of the explanations in a terminal. */

const WIDTH = 100;
const INDENT = 12;

/** A label and its text, wrapped and indented. Words are never cut. */
export function field(label: string, text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT + line.length + 1 + word.length > WIDTH && !/^https:/.test(word)) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each, i) => `  ${(i === 0 ? label : '').padEnd(INDENT - 2)}${each}`).join('\n');
}
