/**
 * The connection of `pg` to the embedded database: a stream in memory that answers as the socket of a server would.
 *
 * The database runs on this thread. So each statement waits for a turn of the event loop, of whichever request it is;
 * otherwise many of them would keep sockets, timers and signals waiting until their end.
 */
import { Duplex } from 'node:stream';
import { setImmediate as turnEventLoop } from 'node:timers/promises';
import type { PGlite } from '@electric-sql/pglite';

/** First bytes of the messages that end a statement: Sync and Query (PostgreSQL manual, 54.7). */
const ends = new Set(['S', 'Q'].map((type) => type.charCodeAt(0)));

/** Messages of the client as `pg` writes them, each whole; grouped by statement. */
function groupByStatement(messages: readonly Buffer[]): Buffer[] {
  const groups: Buffer[][] = [[]];
  for (const message of messages) {
    groups.at(-1)!.push(message);
    if (ends.has(message[0]!)) groups.push([]);
  }
  return groups.filter((group) => group.length > 0).map((group) => Buffer.concat(group));
}

/** ReadyForQuery, and its length with the byte for the state of the transaction. */
const ready = Buffer.from([...Buffer.from('Z'), 0, 0, 0, 5]);
const READY_BYTES = 6;

/** Without the first of two ReadyForQuery at the end. PGlite sends it after an error, and `pg` would take it for the next statement's. */
function withOneReady(answer: Buffer): Buffer {
  const last = answer.length - READY_BYTES;
  const isRepeated = answer
    .subarray(last - READY_BYTES, last)
    .subarray(0, ready.length)
    .equals(ready);
  return isRepeated ? answer.subarray(0, last) : answer;
}

type Written = readonly { readonly chunk: Buffer }[];

/** Has those functions of a socket that `pg` calls. */
export class EmbeddedStream extends Duplex {
  readonly #pglite: PGlite;

  constructor(pglite: PGlite) {
    super();
    this.#pglite = pglite;
  }

  connect(): void {
    process.nextTick(() => this.emit('connect'));
  }

  setNoDelay(): void {}
  ref(): void {}
  unref(): void {}

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(written: Written, done: (error?: Error) => void): void {
    this.#answer(written.map(({ chunk }) => chunk)).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  async #answer(messages: readonly Buffer[]): Promise<void> {
    for (const statement of groupByStatement(messages)) {
      await turnEventLoop();
      const answers: Buffer[] = [];
      // The bytes are those of the database's memory, so they are copied.
      const onRawData = (bytes: Uint8Array): void => void answers.push(Buffer.from(bytes));
      await this.#pglite.execProtocolRawStream(statement, { syncToFs: false, onRawData });
      this.push(withOneReady(Buffer.concat(answers)));
    }
  }
}
