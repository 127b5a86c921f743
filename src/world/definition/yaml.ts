/** YAML of a world file: every scalar is text, one document, bounded aliases, and the line of each member. */
import { FAILSAFE_SCHEMA, load, type State, Type, YAMLException } from 'js-yaml';
import { ConfigError } from '../../errors.ts';

/** Values of the document with each alias counted as often as it is used. */
const MAX_VALUES = 100_000;

/** No implicit types: digits stay as they are written. Only `null`, `~` and merge keys keep their meaning. */
const schema = FAILSAFE_SCHEMA.extend({
  implicit: [
    new Type('tag:yaml.org,2002:null', {
      kind: 'scalar',
      resolve: (text: string | null) => text === null || /^(|~|null)$/.test(text),
      construct: () => null,
    }),
    new Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (text: string | null) => text === '<<' }),
  ],
});

interface Node {
  readonly line: number;
  /** The keys and values of a mapping in turn, or the items of a list. */
  readonly children: Node[];
  value?: unknown;
}

/** Line of the marker that begins a second document. */
function findSecondDocument(content: string): number | undefined {
  let hasContent = false;
  for (const [index, line] of content.split(/\r\n?|\n/).entries()) {
    if (/^---(\s|$)/.test(line)) {
      if (hasContent) return index + 1;
      hasContent = true;
    } else if (!/^\s*(#|$)|^%|^\.\.\.(\s|$)/.test(line)) hasContent = true;
  }
  return undefined;
}

/** True if a reader would meet more than MAX_VALUES values. An alias of an object that contains it never ends. */
function hasTooManyValues(document: unknown): boolean {
  const pending = [document];
  for (let count = 0; pending.length > 0; count += 1) {
    if (count + pending.length > MAX_VALUES) return true;
    const value = pending.pop();
    if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) pending.push(item);
  }
  return false;
}

/** Line of each member by its path, such as `ases[0].wallets[2].path`. */
function indexLines(root: Node | undefined): Map<string, number> {
  const lines = new Map<string, number>();
  const visit = ({ line, children, value }: Node, at: string): void => {
    lines.set(at, line);
    if (Array.isArray(value)) for (const [index, child] of children.entries()) visit(child, `${at}[${index}]`);
    else if (typeof value === 'object') {
      for (let index = 0; index + 1 < children.length; index += 2) {
        const name = String(children[index]!.value);
        visit({ ...children[index + 1]!, line: children[index]!.line }, at ? `${at}.${name}` : name);
      }
    }
  };
  if (root) visit(root, '');
  return lines;
}

export interface YamlDocument {
  readonly document: unknown;
  /** Line of the member at this path, or of the nearest one around it. */
  lineOf(at: string): number | undefined;
}

/** Throws ConfigError with the line of the mistake. */
export function loadYaml(content: string): YamlDocument {
  const open: Node[] = [];
  let root: Node | undefined;
  const listener = (event: 'open' | 'close', state: State): void => {
    if (event === 'open') return void open.push({ line: state.line + 1, children: [] });
    const node = open.pop()!;
    node.value = state.result;
    const parent = open.at(-1);
    if (parent) parent.children.push(node);
    else root = node;
  };
  let document: unknown;
  try {
    document = load(content, { schema, listener });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const second = error.mark ? undefined : findSecondDocument(content);
    if (second !== undefined) {
      throw new ConfigError(`line ${second}: a second document begins here; a world file holds one`);
    }
    throw new ConfigError(`${error.mark ? `line ${error.mark.line + 1}: ` : ''}${error.reason}`);
  }
  if (hasTooManyValues(document)) {
    throw new ConfigError(`more than ${MAX_VALUES} values once its aliases are resolved: write fewer or shorter lists`);
  }
  const lines = indexLines(root);
  return {
    document,
    lineOf(at) {
      let path = at.replaceAll(/\["((?:[^"\\]|\\.)*)"\]/g, '.$1');
      while (path !== '' && !lines.has(path)) path = path.replace(/(^|\.)[^.[]*$|\[\d+\]$/, '');
      return lines.get(path);
    },
  };
}
