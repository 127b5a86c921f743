/** The access that a token gives (RS-07…10, INT-07). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../src/errors.ts';
import { type Policy, policies } from '../../src/http/policy.ts';
import type { AccessItem } from '../../src/open-payments/access.ts';
import { authorizeCaller, type ResourceCall, scopeFor } from '../../src/resource/caller.ts';

const alice = 'https://granite.example/alice';
const callerWith = (...access: AccessItem[]) => ({
  grantId: 'grant',
  clientId: 'client',
  client: { walletAddress: 'https://client.example/' },
  access,
});
const incoming = (actions: string[], identifier?: string): AccessItem => ({
  type: 'incoming-payment',
  actions,
  ...(identifier !== undefined && { identifier }),
});
const needs = (action: string): Policy => ({
  caller: 'token',
  access: { type: 'incoming-payment', action: action as 'read' },
});
const isInsufficientAccess = (error: unknown): boolean =>
  error instanceof Problem && error.code === 'insufficient_access';

for (const [granted, needed, allowed] of [
  ['create', 'create', true],
  ['complete', 'complete', true],
  ['read', 'read', true],
  ['read-all', 'read', true],
  ['list', 'list', true],
  ['list-all', 'list', true],
  ['read-all', 'list', false],
  ['list-all', 'read', false],
  ['create', 'read', false],
  ['complete', 'create', false],
  ['create-all', 'creat', false],
] as const) {
  test(`${granted} ${allowed ? 'covers' : 'does not cover'} ${needed}`, () => {
    const authorize = () => authorizeCaller(callerWith(incoming([granted])), needs(needed));
    if (allowed) authorize();
    else assert.throws(authorize, isInsufficientAccess);
    const other = { ...incoming([granted]), type: 'quote' as const };
    assert.throws(() => authorizeCaller(callerWith(other), needs(needed)), isInsufficientAccess);
  });
}

test('a single access item must allow the call', () => {
  const scope = (walletAddress: string, ...access: AccessItem[]) =>
    scopeFor({ caller: callerWith(...access), policy: needs('read') } as unknown as ResourceCall, walletAddress);
  const bob = 'https://granite.example/bob';
  assert.equal(scope(alice, incoming(['read'], alice)).ownClientId, 'client');
  assert.equal(scope(alice, incoming(['read'], `${alice.toUpperCase()}/`)).ownClientId, 'client');
  assert.equal(scope(alice, incoming(['read'])).ownClientId, 'client');
  assert.equal(scope(alice, incoming(['read']), incoming(['read-all'], alice)).ownClientId, undefined);
  assert.equal(scope(bob, incoming(['read']), incoming(['read-all'], alice)).ownClientId, 'client');
  assert.throws(() => scope(bob, incoming(['read'], alice), incoming(['list'], bob)), isInsufficientAccess);
  assert.equal(scope(`${alice}//`, incoming(['read'], alice)).ownClientId, 'client');
  assert.throws(() => scope(`${alice}/savings`, incoming(['read'], alice)), isInsufficientAccess);
});

test('every operation of the resource server declares the access that it needs', () => {
  const tokens = Object.values(policies).filter(({ caller }) => caller === 'token' || caller === 'public-or-token');
  assert.equal(tokens.length, 10);
  assert.ok(tokens.every(({ access }) => access !== undefined));
});
