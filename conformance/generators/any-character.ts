/** The characters of random texts. */
import fc from 'fast-check';

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;

const toCharacter = (index: number): string =>
  String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATES);

/** The index of a character; an error for any other value, by which fast-check sees that it cannot come from here. */
function toIndex(value: unknown): number {
  const point = typeof value === 'string' ? value.codePointAt(0) : undefined;
  const index = point === undefined || point < FIRST_SURROGATE ? point : point - SURROGATES;
  if (index === undefined || index < 0 || toCharacter(index) !== value) throw new Error('not one character');
  return index;
}

/** The unit `binary` of `fc.string`, which takes a second and 100 MB for a table of all characters. */
export const anyCharacter: fc.Arbitrary<string> = fc.nat(0x10ffff - SURROGATES).map(toCharacter, toIndex);
