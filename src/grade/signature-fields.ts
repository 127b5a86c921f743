/** The fields of a signature, parsed strictly, and as far as possible where they are malformed (RFC 9421 §4). */
import { combinedHeader } from '../http/received-request.ts';
import { parseBareSignature } from '../http/signatures/lenient-forms.ts';
import {
  type DictionaryMember,
  type InnerList,
  type Parameters,
  type ParsedDictionary,
  parseDictionary,
} from '../http/signatures/structured-fields.ts';
import type { GradedExchange } from './graded-exchange.ts';

export interface SignatureFields {
  /** Strictly. Undefined if the field is absent. */
  readonly input: ParsedDictionary | undefined;
  readonly signature: ParsedDictionary | undefined;
  /** `Signature` as the PHP and Rust clients write it. */
  readonly bare: ReturnType<typeof parseBareSignature>;
  /** Component names were written without quotes, apart from which `Signature-Input` is readable. */
  readonly isUnquoted: boolean;
  /** The signature that counts. Undefined if `Signature-Input` cannot be read. */
  readonly member: SignatureMember | undefined;
}

export interface SignatureMember {
  readonly label: string;
  readonly components: readonly string[];
  readonly parameters: Parameters;
}

const parsed = new WeakMap<object, SignatureFields>();

export function signatureFieldsOf({ request }: GradedExchange): SignatureFields {
  const before = parsed.get(request);
  if (before) return before;
  const inputText = combinedHeader(request, 'signature-input');
  const signatureText = combinedHeader(request, 'signature');
  const input = inputText === undefined ? undefined : parseDictionary(inputText);
  const lenient = inputText === undefined ? undefined : parseDictionary(inputText, { unquotedNames: true });
  const fields: SignatureFields = {
    input,
    signature: signatureText === undefined ? undefined : parseDictionary(signatureText),
    bare: signatureText === undefined ? undefined : parseBareSignature(signatureText),
    isUnquoted: lenient?.ok === true && lenient.hasUnquotedNames,
    member: lenient?.ok ? selectMember(lenient.members) : undefined,
  };
  parsed.set(request, fields);
  return fields;
}

type InputMember = DictionaryMember & { readonly value: InnerList };

/** The member that is tagged `gnap`, or else the first. */
function selectMember(members: readonly DictionaryMember[]): SignatureMember | undefined {
  const lists = members.filter((member): member is InputMember => 'items' in member.value);
  const selected = lists.find(({ value }) => value.parameters.get('tag')?.value === 'gnap') ?? lists[0];
  if (!selected) return undefined;
  const { items, parameters } = selected.value;
  return { label: selected.key, components: items.map(({ bare }) => String(bare.value)), parameters };
}
