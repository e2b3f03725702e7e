// How things stand, in words.
import {distance, inWords} from './geo.js';

// describe gives the state, and what it is a kind of: a change of kind is worth
// saying aloud.
export function describe(member, me) {
  const {link, match, request, asked} = member;
  switch (link.state) {
    case 'dropped': return {kind: 'dropped', state: 'You dropped the socket.', hint: 'What is under way goes on for a minute.'};
    case 'replaced': return {kind: 'replaced', state: 'Another tab took over.', hint: `A member has one session, and ${me}’s is there now.`};
    case 'retrying': return {kind: link.why, state: link.why, hint: 'Trying again…'};
    case 'connecting': return {kind: 'connecting', state: 'Connecting…', hint: ''};
  }
  if (match) {
    const far = inWords(distance(member.point, match.peer));
    if (match.role === 'matcher') {
      return {kind: match.match, state: `You are matched with someone ${far} away.`, hint: 'You asked: you see every move of theirs.'};
    }
    return {kind: match.match, state: `You are matched with someone who asked ${far} away.`, hint: 'You were found: they see every move of yours.'};
  }
  if (request) return {kind: 'waiting', state: `You wait for somebody until ${new Date(request.expiresAt).toLocaleTimeString()}.`, hint: ''};
  if (asked) return {kind: 'asking', state: 'Looking for the nearest…', hint: ''};
  if (!member.placed) return {kind: 'placing', state: 'Saying where you are…', hint: ''};
  return {kind: 'free', state: 'You are free.', hint: 'Ask for the nearest, or be found.'};
}
