/** Locks the directory of its argument, prints a line, and holds the lock until it is killed. */
import { lockDirectory } from '../../../src/database/directory-lock.ts';

await lockDirectory(process.argv[2]!);
console.log('locked');
setInterval(() => {}, 2 ** 30);
