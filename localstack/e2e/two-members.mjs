// Two members report and are matched. One follows the other, drops and resumes, and the
// match ends. It prints every frame, and exits with 1 if one differs from
// docs/protocol.md.
//
//   npm ci && node two-members.mjs http://127.0.0.1:8080
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {Member} from './member.mjs';

const base = process.argv[2] ?? 'http://127.0.0.1:8080';
const api = base.replace(/^http/, 'ws') + '/prod';
const pool = `js-${randomUUID().slice(0, 8)}`;

async function join(name) {
  const query = new URLSearchParams({member: name, pool, card: JSON.stringify({name})});
  const answer = await fetch(`${base}/token?${query}`);
  assert.equal(answer.status, 200, 'the status of /token');
  const member = new Member(name, api, (await answer.text()).trim());
  await member.connect();
  const welcome = await member.ask({action: 'hello', id: 'h1'}, 'welcome');
  assert.equal(welcome.member, name);
  assert.equal(welcome.pool, pool);
  assert.equal(welcome.protocol, 1);
  assert.ok(welcome.expiresAt > welcome.now, 'the session lasts');
  assert.ok(welcome.report.afterSeconds > 0, 'there is advice on when to report');
  assert.equal(welcome.match, undefined);
  assert.equal(welcome.request, undefined);
  return member;
}

let seq = 0;
function report(member, lat, lng) {
  seq++;
  return member.ask({action: 'location', id: `l${seq}`, lat, lng, at: Date.now(), seq, heading: 90, speed: 5}, 'ack');
}

function wantNear(got, want, what) {
  assert.ok(Math.abs(got - want) < 1e-5, `${what}: got ${got}, want ${want}`);
}

async function follows(member, match, lat, lng) {
  const there = await member.receive('location', frame => frame.match === match && Math.abs(frame.lng - lng) < 1e-5);
  wantNear(there.lat, lat, 'lat of the peer');
  assert.equal(there.heading, 90);
  assert.equal(there.speed, 5);
}

const ana = await join('ana');
const bob = await join('bob');

// No other member has reported yet.
await report(ana, 37.7793, -122.4193);
const nobody = await ana.ask({action: 'match', id: 'r0', radius: 1000}, 'no_match');
assert.equal(nobody.radius, 1000);

// They report, and are matched.
await report(bob, 37.7764, -122.4172);
const matched = await ana.ask({action: 'match', id: 'r1', radius: 2000, wait: 5}, 'matched');
const match = matched.match;
assert.equal(matched.role, 'matcher');
assert.deepEqual(matched.peer.card, {name: 'bob'});
wantNear(matched.peer.lat, 37.7764, 'lat of the matchee');
assert.ok(matched.peer.distance > 360 && matched.peer.distance < 380, `distance: got ${matched.peer.distance}`);
const found = await bob.receive('matched');
assert.equal(found.match, match);
assert.equal(found.role, 'matchee');
assert.deepEqual(found.peer.card, {name: 'ana'});
wantNear(found.peer.lat, 37.7793, 'lat of the request');

// A repeated request has the same outcome.
assert.equal((await ana.ask({action: 'match', id: 'r1', radius: 2000, wait: 5}, 'matched')).match, match);

// One follows the other.
for (let step = 1; step <= 3; step++) {
  await report(bob, 37.7764, -122.4172 - step / 1000);
  await follows(ana, match, 37.7764, -122.4172 - step / 1000);
}

// The matcher drops, misses a location, and resumes.
ana.drop();
await report(bob, 37.7771, -122.4212);
await ana.connect();
const back = await ana.ask({action: 'hello', id: 'h2'}, 'welcome');
assert.equal(back.match.match, match);
assert.equal(back.match.role, 'matcher');
assert.equal(back.match.state, 'active');
assert.deepEqual(back.match.peer.card, {name: 'bob'});
wantNear(back.match.peer.lat, 37.7771, 'lat of the matchee after the drop');
wantNear((await ana.ask({action: 'locate', id: 'w1'}, 'location')).lng, -122.4212, 'lng by locate');
await report(bob, 37.7771, -122.4222);
await follows(ana, match, 37.7771, -122.4222);

// The match ends, and both are free.
const ended = await bob.ask({action: 'end', id: 'e1', match}, 'ended');
assert.equal(ended.match, match);
assert.equal(ended.reason, 'completed');
assert.equal((await ana.receive('ended', frame => frame.match === match)).reason, 'completed');
assert.equal((await bob.ask({action: 'end', id: 'e2', match}, 'ended')).match, match);
for (const member of [ana, bob]) {
  assert.equal((await member.ask({action: 'hello', id: 'h3'}, 'welcome')).match, undefined);
  await member.close();
}
console.log('ok');
