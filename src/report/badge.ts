/** A badge in the format of the endpoint of shields.io: `https://img.shields.io/endpoint?url=…`. */
import type { View } from './view.ts';

export function renderBadge(view: View): string {
  const badge = {
    schemaVersion: 1,
    label: `Open Payments ${view.requirements}`,
    message: messageOf(view),
    color: { passed: 'brightgreen', failed: 'red', broken: 'lightgrey' }[view.result],
    ...(view.result === 'passed' ? {} : { isError: true }),
  };
  return `${JSON.stringify(badge)}\n`;
}

const messageOf = ({ result, verdicts, levels }: View): string => {
  if (result === 'broken') return 'run did not finish';
  const counted = levels.filter(({ name }) => name === 'must' || name === 'should');
  return verdicts.some(({ status }) => status === 'pass')
    ? counted.map(({ name, met, judged }) => `${name} ${met}/${judged}`).join(', ')
    : 'nothing exercised';
};
