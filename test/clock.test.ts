/** The two clocks: business time obeys, wire time does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorldClock } from '../src/clock.ts';

function clockAt(wall: number) {
  const time = { wall };
  const clock = new WorldClock(() => time.wall);
  return { time, clock };
}

test('business time is the wall until it is changed', () => {
  const { time, clock } = clockAt(1_000);
  assert.equal(clock.businessNow(), 1_000);
  time.wall = 1_500;
  assert.equal(clock.businessNow(), 1_500);
});

test('frozen time does not move by itself, moves when advanced or set, and runs on from there', () => {
  const { time, clock } = clockAt(1_000);
  clock.setting = clock.after({ action: 'freeze' });
  time.wall = 5_000;
  assert.equal(clock.businessNow(), 1_000);
  clock.setting = clock.after({ action: 'advance', milliseconds: 250 });
  assert.equal(clock.businessNow(), 1_250);
  clock.setting = clock.after({ action: 'set', time: 900 });
  time.wall = 6_000;
  assert.equal(clock.businessNow(), 900);
  clock.setting = clock.after({ action: 'run' });
  assert.equal(clock.businessNow(), 900);
  time.wall = 6_100;
  assert.equal(clock.businessNow(), 1_000);
  assert.equal(clock.wallNow(), 6_100);
});

test('running time keeps running when advanced or set', () => {
  const { time, clock } = clockAt(1_000);
  clock.setting = clock.after({ action: 'advance', milliseconds: 60_000 });
  time.wall = 1_010;
  assert.equal(clock.businessNow(), 61_010);
  clock.setting = clock.after({ action: 'set', time: 0 });
  time.wall = 1_020;
  assert.equal(clock.businessNow(), 10);
  clock.setting = clock.after({ action: 'freeze' });
  time.wall = 9_999;
  assert.equal(clock.businessNow(), 10);
});

test('asking what a change would do changes nothing', () => {
  const { clock } = clockAt(1_000);
  clock.after({ action: 'set', time: 5 });
  assert.equal(clock.businessNow(), 1_000);
});

test('a setting that was stored makes another process tell the same time', () => {
  const { clock } = clockAt(1_000);
  clock.setting = clock.after({ action: 'advance', milliseconds: 500 });
  const other = new WorldClock(() => 1_000);
  other.setting = JSON.parse(JSON.stringify(clock.setting));
  assert.equal(other.businessNow(), 1_500);
});
