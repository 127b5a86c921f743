/** Work at the first pause between requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atFirstPause } from '../../src/cli/first-pause.ts';
import { finishedRequests } from '../../src/http/request-log.ts';

test('is done once, when no request has ended for three seconds', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let times = 0;
  atFirstPause(() => {
    times += 1;
  });
  for (let request = 0; request < 5; request++) {
    t.mock.timers.tick(2_999);
    finishedRequests.publish({});
  }
  assert.equal(times, 0);
  t.mock.timers.tick(6_000);
  assert.equal(times, 1);
  finishedRequests.publish({});
  t.mock.timers.tick(30_000);
  assert.equal(times, 1);
  assert.equal(finishedRequests.hasSubscribers, false);
});
