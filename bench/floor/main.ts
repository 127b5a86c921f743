/**
 * The floor: the least that does the work of the program. Express 5, raw `pg` with prepared statements and as few of
 * them as possible, one Ed25519 verification, one SHA-512. It reads and writes the rows that the program reads and
 * writes, in the same tables, and judges no input that the driver does not send. `node bench/floor/main.ts PORT
 * DATABASE-URL` takes the place of a program that has founded its world in the database at that port.
 */
import { createServer } from 'node:http';
import express, { type Request, type Response } from 'express';
import { connect } from './database.ts';
import { createGrants } from './grants.ts';
import { Refused } from './http.ts';
import { createPayments, openHold } from './payments.ts';
import { createResources } from './resources.ts';

const [port, url] = process.argv.slice(2);
const origin = `http://localhost:${port}`;

const guarded = (handle: (req: Request, res: Response) => Promise<void>) => (req: Request, res: Response) =>
  handle(req, res).catch((error: unknown) => {
    if (!(error instanceof Refused)) console.error(error);
    res.statusCode = error instanceof Refused ? error.status : 500;
    res.end();
  });

connect(url!);
await openHold('USD', 2);
const grants = createGrants(origin);
const resources = createResources(origin);
const payments = createPayments(origin);

const app = express().disable('x-powered-by').disable('etag');
app.post('/auth/', guarded(grants.request));
app.get('/auth/interact/:id/:nonce', guarded(grants.interact));
app.post('/auth/continue/:id', guarded(grants.continue));
app.post('/incoming-payments', guarded(resources.createIncoming));
app.get('/incoming-payments', guarded(resources.listIncoming));
app.get('/incoming-payments/:id', guarded(resources.readIncoming));
app.post('/quotes', guarded(resources.createQuote));
app.post('/outgoing-payments', guarded(payments.create));
app.get('/:name/jwks.json', guarded(resources.keys));
app.get('/:name', guarded(resources.walletAddress));

createServer({ keepAliveTimeout: 65_000 }, app).listen(Number(port), '127.0.0.1', () => {
  console.log(JSON.stringify({ event: 'ready' }));
});
