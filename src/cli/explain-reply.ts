/** `touchstone explain create-quote-403`: the negative replies of the catalogue, and their tables in the documentation. */
import {
  faultFor,
  findNegativeReply,
  type NegativeReply,
  negativeReplies,
  preferenceFor,
} from '../http/negative-replies.ts';
import { field } from '../report/field.ts';

/** The subject that lists all of them. */
export const REPLIES = 'replies';

const onlyByName = 'Only when it is asked for by name: Touchstone has a more exact answer.';

/** The text about a reply, or about all; undefined for an unknown name. */
export function explainReply(text: string): string | undefined {
  if (text === REPLIES) return negativeReplies.map(({ name, code }) => `  ${name.padEnd(48)} ${code}`).join('\n');
  const reply = findNegativeReply(text);
  if (!reply) return undefined;
  const { name, operation, status, code, cause = onlyByName } = reply;
  return [
    `${name}  ${operation} answers ${status} ${code}`,
    '',
    field('when', cause),
    field('provoke', 'in a world that only this machine can reach, in one of three ways:'),
    field('', `a header of the call: Prefer: fault=${preferenceFor(reply)}`),
    field('', `a wallet address that the client reads before: /reply/${name} at the provider of the receiver`),
    field('', `the control API: POST /faults ${JSON.stringify(faultFor(reply))}`),
  ].join('\n');
}

/** The same as data, for `--json`. */
export const describeReply = (text: string): object | undefined =>
  text === REPLIES ? { replies: negativeReplies } : findNegativeReply(text);

/** The tables of docs/negative-replies.md, in Markdown: one for each operation. */
export function printNegativeReplies(): string {
  const row = (reply: NegativeReply) =>
    `| ${reply.status} | \`${reply.code}\` | ${reply.cause ?? onlyByName} | \`fault=${preferenceFor(reply)}\` | \`/reply/${reply.name}\` |`;
  return [...Map.groupBy(negativeReplies, ({ operation }) => operation)]
    .map(([operation, replies]) =>
      [
        `## \`${operation}\``,
        '',
        '| Status | Code | When | `Prefer` | Wallet address |',
        '| --- | --- | --- | --- | --- |',
        ...replies.map(row),
        '',
      ].join('\n'),
    )
    .join('\n');
}
