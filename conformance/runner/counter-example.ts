/** A failed property: what was generated and how to generate it again, and the answer that was wrong. */
import type { Answer } from '../steps/signed-client.ts';

export class CounterExample extends Error {
  readonly answer: Answer | undefined;

  constructor(message: string, answer: Answer | undefined) {
    super(message);
    this.name = 'CounterExample';
    this.answer = answer;
  }
}
