/** Describes the request and the comparison of a check of one declared answer, `declared.…` or `dredd.…`. */
import { findProvocation } from '../steps/declared-answers.ts';
import { linkToOperation } from './references.ts';
import { loadOperations } from './validation.ts';

interface DeclaredCheck {
  readonly requested: string;
  readonly compared: string;
  readonly reference: { readonly citation: string; readonly url: string } | undefined;
  readonly fix: string;
}

const operations = await loadOperations();

/** Undefined for any other check. */
export function describeDeclared(id: string): DeclaredCheck | undefined {
  const [, by, name = '', code = ''] = /^(declared|dredd)\.(.+)-(\d{3})$/.exec(id) ?? [];
  const operation = operations.get(name);
  const answer = operation?.responses.get(Number(code));
  if (by === undefined || !operation || !answer) return undefined;
  const { document } = operation;
  const { request, isSpecial } = findProvocation(name, Number(code));
  const place = isSpecial ? ', in a world made for it' : '';
  const url = linkToOperation(document, name);
  const { headers, mediaTypes } = answer;
  const parts = [
    `the status ${code}`,
    mediaTypes.length > 0 ? `the media type ${mediaTypes.join(' or ')}` : 'the absence of content',
    ...(headers.length > 0 ? [`the header fields ${headers.join(', ')}`] : []),
    ...(answer.schema ? ['the content with its schema'] : []),
  ];
  const against = `generated/${document}/document.json`;
  const judge = by === 'dredd' ? 'Dredd, with a draft-07 form of the schema, compares' : 'The validators compare';
  return {
    requested: `${name} (${operation.method}), ${request || 'as clients send it'}${place}`,
    compared: `${judge} ${parts.join(', ')}, as ${against} declares them`,
    reference: url === undefined ? undefined : { citation: `Open Payments ${document} ${name}`, url },
    fix: `Answer this request with ${code}, in the form that the document declares for ${name}.`,
  };
}
