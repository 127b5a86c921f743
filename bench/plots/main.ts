/**
 * Draws the committed results as SVG: latency against load, and cost against database size. `make bench-plots` installs
 * Vega on its first run, apart from the other packages.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResults } from '../support/results.ts';

/** A point of one line. */
interface Point {
  readonly x: number;
  readonly y: number;
  readonly line: string;
}

interface Chart {
  readonly file: string;
  readonly title: string;
  readonly x: { readonly title: string; readonly type: 'linear' | 'log' };
  readonly y: { readonly title: string; readonly type: 'linear' | 'log' };
  readonly points: readonly Point[];
}

/** The part of Vega that draws without a browser. */
interface Vega {
  parse(specification: unknown): unknown;
  View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG(): Promise<string> };
}

const directory = import.meta.dirname;

async function loadVega(): Promise<Vega> {
  if (!existsSync(join(directory, 'node_modules', 'vega'))) {
    const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status } = spawnSync('npm', options, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error('the packages of Vega could not be installed');
  }
  // The compiler need not find it: it may not be installed.
  const name: string = 'vega';
  return import(name);
}

const specify = ({ title, x, y, points }: Chart) => ({
  $schema: 'https://vega.github.io/schema/vega/v6.json',
  title,
  width: 520,
  height: 300,
  padding: 8,
  background: 'white',
  data: [{ name: 'points', values: points }],
  scales: [
    { name: 'x', type: x.type, domain: { data: 'points', field: 'x' }, range: 'width', nice: true },
    {
      name: 'y',
      type: y.type,
      domain: { data: 'points', field: 'y' },
      range: 'height',
      nice: true,
      zero: y.type === 'linear',
    },
    { name: 'color', type: 'ordinal', domain: { data: 'points', field: 'line' }, range: 'category' },
  ],
  axes: [
    { orient: 'bottom', scale: 'x', title: x.title, format: '~s' },
    { orient: 'left', scale: 'y', title: y.title, grid: true },
  ],
  legends: [{ stroke: 'color', symbolType: 'stroke' }],
  marks: [
    {
      type: 'group',
      from: { facet: { name: 'series', data: 'points', groupby: 'line' } },
      marks: [
        {
          type: 'line',
          from: { data: 'series' },
          encode: {
            enter: {
              x: { scale: 'x', field: 'x' },
              y: { scale: 'y', field: 'y' },
              stroke: { scale: 'color', field: 'line' },
              strokeWidth: { value: 2 },
            },
          },
        },
      ],
    },
  ],
});

const results = readResults();
const charts: readonly Chart[] = [
  {
    file: 'latency.svg',
    title: 'Latency against load, POST /incoming-payments, open loop',
    x: { title: 'requests per second', type: 'linear' },
    y: { title: 'ms', type: 'log' },
    points: results.load.flatMap(({ rate, p50, p99 }) => [
      { x: rate, y: p50, line: 'p50' },
      { x: rate, y: p99, line: 'p99' },
    ]),
  },
  {
    file: 'size.svg',
    title: 'Pages of PostgreSQL for each request against the size of the database',
    x: { title: 'payments', type: 'log' },
    y: { title: 'pages', type: 'log' },
    points: results.size.flatMap(({ payments, pages }) =>
      Object.entries(pages).map(([line, y]) => ({ x: payments, y, line })),
    ),
  },
];
const vega = await loadVega();
for (const chart of charts) {
  const view = new vega.View(vega.parse(specify(chart)), { renderer: 'none' });
  writeFileSync(join(directory, chart.file), `${await view.toSVG()}\n`);
  console.log(`bench/plots/${chart.file}`);
}
