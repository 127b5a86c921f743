/**
 * Dredd's hooks. Each transaction gets the request that must bring its answer, and the schema that the document has for
 * the answer. They change nothing else: Dredd compares status, media type and body.
 */
const { appendFileSync, readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const hooks = require('hooks');

const documents = join(__dirname, '..', '..', 'generated', 'dredd');
const schemas = readdirSync(documents)
  .filter((file) => file.endsWith('.schemas.json'))
  .map((file) => JSON.parse(readFileSync(join(documents, file), 'utf8')));

/** Summaries are operationIds: `API > /path > post-token > 404 > application/json`. */
const operationOf = ({ name }) => name.split(' > ').find((part) => schemas.some(({ answers }) => part in answers));

/** Transactions to try, as lines `operationId status`; without the variable all. */
const only = process.env.TOUCHSTONE_DREDD_ONLY?.split('\n');
const isWanted = (transaction) =>
  only === undefined || only.includes(`${operationOf(transaction)} ${transaction.expected.statusCode}`);

let stage;

hooks.beforeAll((transactions, done) => {
  import('./stage.ts')
    .then(({ openStage }) => openStage(process.env))
    .then((opened) => {
      stage = opened;
    })
    .catch((error) => {
      for (const transaction of transactions) transaction.fail = `the world cannot be used: ${error.message}`;
    })
    .then(() => done());
});

hooks.beforeEach((transaction, done) => {
  if (!isWanted(transaction)) {
    transaction.skip = true;
    return done();
  }
  const operation = operationOf(transaction);
  const { statusCode } = transaction.expected;
  stage
    .prepare(operation, Number(statusCode))
    .then(({ method, url, headers, body }) => {
      const { protocol, hostname, port, origin } = new URL(url);
      const fullPath = url.slice(origin.length) || '/';
      // Dredd adds the length itself.
      const sent = Object.fromEntries(headers.filter(([name]) => name !== 'content-length'));
      const request = { method, uri: fullPath, headers: sent, body: body ? body.toString('utf8') : '' };
      Object.assign(transaction, { protocol, host: hostname, port, fullPath, request });
      const { answers, ...rest } = schemas.find((each) => operation in each.answers);
      const schema = answers[operation][statusCode];
      // Without an example of the body, Dredd would not look at the schema.
      if (schema !== null) {
        Object.assign(transaction.expected, { body: '{}', bodySchema: JSON.stringify({ ...schema, ...rest }) });
      }
    })
    .catch((error) => {
      transaction.fail = `no request could be made: ${error.message}`;
    })
    .then(() => done());
});

hooks.beforeEachValidation((transaction) => {
  // Dredd compares media types as texts, so a parameter such as charset would differ.
  const { headers } = transaction.real;
  if (headers['content-type']) headers['content-type'] = headers['content-type'].replace(/;.*/, '');
});

hooks.afterEach((transaction) => {
  if (!isWanted(transaction)) return;
  const { name, expected, real, test, fail } = transaction;
  const isValid = !fail && test?.valid === true;
  const line = { name, operation: operationOf(transaction), expected: Number(expected.statusCode), isValid };
  const status = Number(real?.statusCode) || null;
  const problem = isValid
    ? { status }
    : {
        status,
        problem: String(typeof fail === 'string' ? fail : (test?.message ?? 'Dredd gives no reason')).slice(0, 2000),
      };
  appendFileSync(process.env.TOUCHSTONE_DREDD_RESULTS, `${JSON.stringify({ ...line, ...problem })}\n`);
});

hooks.afterAll((_transactions, done) => {
  Promise.resolve(stage?.close()).then(() => done(), done);
});
