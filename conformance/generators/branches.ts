/**
 * Branches of the schemas of answers: each alternative of `oneOf` and `anyOf`, and each optional member, once present and
 * once absent. A schema below `components` that several answers share has its branches once.
 */
import { resolve, type Schema, within } from '../generators/document.ts';
import type { Json } from '../steps/signed-client.ts';

/** All branches. @param place of the schema, such as `get-quote 200` */
export function listBranches(schema: Schema, place: string): ReadonlySet<string> {
  const found = new Set<string>();
  visit(schema, place, undefined, (branch) => found.add(branch));
  return found;
}

/** The branches that a valid value has taken. */
export function branchesOf(schema: Schema, place: string, value: Json): ReadonlySet<string> {
  const found = new Set<string>();
  visit(schema, place, { value }, (branch) => found.add(branch));
  return found;
}

/** @param seen undefined: visits all branches */
function visit(
  schema: Schema,
  place: string,
  seen: { readonly value: Json } | undefined,
  emit: (branch: string) => void,
): void {
  const { $ref } = schema.node;
  const at = typeof $ref === 'string' ? $ref.replace('#/components/schemas/', '') : place;
  const { node } = resolve(schema);
  const choices: Json[] = node.oneOf ?? node.anyOf ?? [];
  for (const [index, choice] of choices.entries()) {
    if (seen && !fits(within(schema, choice), seen.value)) continue;
    if (choices.length > 1) emit(`${at}: alternative ${nameOf(choice) ?? index + 1}`);
    visit(within(schema, choice), at, seen, emit);
  }
  for (const part of node.allOf ?? []) visit(within(schema, part), at, seen, emit);
  for (const [name, property] of Object.entries<Json>(node.properties ?? {})) {
    const isPresent = seen === undefined || isMember(seen.value, name);
    if (!node.required?.includes(name)) {
      if (isPresent) emit(`${at}/${name}: present`);
      if (seen === undefined || !isPresent) emit(`${at}/${name}: absent`);
    }
    if (isPresent) visit(within(schema, property), `${at}/${name}`, seen && { value: seen.value[name] }, emit);
  }
  if (!node.items) return;
  const items: readonly (Json | undefined)[] =
    seen === undefined ? [undefined] : Array.isArray(seen.value) ? seen.value : [];
  for (const item of items) visit(within(schema, node.items), `${at}/*`, seen && { value: item }, emit);
}

const nameOf = ({ $ref, title }: Json): string | undefined => title ?? $ref?.split('/').at(-1);

const isMember = (value: Json, name: string): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name);

/** True if a valid value has taken this alternative: members, constants and types tell alternatives apart. */
function fits(schema: Schema, value: Json): boolean {
  const { node } = resolve(schema);
  if (node.enum && !node.enum.includes(value)) return false;
  if (node.type === 'string' && typeof value !== 'string') return false;
  if ((node.type === 'object' || node.properties) && (typeof value !== 'object' || value === null)) return false;
  if (node.required?.some((name: string) => !isMember(value, name))) return false;
  const isClosed = node.additionalProperties === false || node.unevaluatedProperties === false;
  if (isClosed && Object.keys(value).some((name) => !(name in (node.properties ?? {})))) return false;
  const choices: Json[] | undefined = node.oneOf ?? node.anyOf;
  if (choices && !choices.some((choice) => fits(within(schema, choice), value))) return false;
  return Object.entries<Json>(node.properties ?? {}).every(
    ([name, property]) => !isMember(value, name) || fits(within(schema, property), value[name]),
  );
}
