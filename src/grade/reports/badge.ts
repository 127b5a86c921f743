/** A badge in the format of the endpoint of shields.io: `https://img.shields.io/endpoint?url=…`. */
import type { Report } from '../report.ts';
import { countLevels } from './summary.ts';

export function renderBadge(report: Report): string {
  const { must, should } = countLevels(report);
  const badge = {
    schemaVersion: 1,
    label: `Open Payments ${report.requirements}`,
    message: messageOf(report, `must ${must.met}/${must.judged}, should ${should.met}/${should.judged}`),
    color: { passed: 'brightgreen', failed: 'red', broken: 'lightgrey' }[report.result],
    ...(report.result === 'passed' ? {} : { isError: true }),
  };
  return `${JSON.stringify(badge)}\n`;
}

const messageOf = ({ result, verdicts }: Report, counts: string): string => {
  if (result === 'broken') return 'run did not finish';
  return verdicts.some(({ status }) => status === 'pass') ? counts : 'nothing exercised';
};
