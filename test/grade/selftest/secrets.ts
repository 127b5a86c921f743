/** The secrets that a recorded exchange carries, found without the masker of the reports. */
import type { TracedExchange } from '../../../src/http/request-trace.ts';

const names = 'interact_ref|hash|nonce';
const all = (text: string, form: RegExp): string[] => [...text.matchAll(form)].map(([, secret]) => secret!);

/** Tokens, references, nonces, hashes and signatures. */
export const secretsOf = (exchanges: readonly TracedExchange[]): string[] =>
  [
    ...new Set(
      exchanges.flatMap(({ request, reply }) => {
        const header = (name: string) => request.rawHeaders.find(([each]) => each.toLowerCase() === name)?.[1] ?? '';
        const answer = reply?.content ?? '';
        const location = reply?.headers['Location'] ?? '';
        return [
          header('authorization').replace(/^GNAP /, ''),
          ...all(header('signature'), /:([^:]+):/g),
          ...all(answer, /"access_token":\{[^}]*?"value":"([^"]+)"/g),
          ...all(answer, /"redirect":"[^"]*\/([^"/?]+)/g),
          ...all(request.body.toString() + answer, new RegExp(`"(?:${names})":"([^"]+)"`, 'g')),
          ...all(`${request.rawTarget} ${location}`, new RegExp(`[?&](?:${names})=([^&\\s]+)`, 'g')),
        ];
      }),
    ),
  ].filter(({ length }) => length > 6);
