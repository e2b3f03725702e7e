// The state of a member, in words.
import {distance, formatDistance} from './geo.js';

// describe returns the state, a hint, and the kind of the state: a screen reader announces
// a change of kind.
export function describe(member, me) {
  const {connection, match, offer, request, asked} = member;
  switch (connection.state) {
    case 'dropped': return {kind: 'dropped', state: 'You dropped the socket.', hint: 'Reconnect to get your match or request back.'};
    case 'replaced': return {kind: 'replaced', state: 'Another tab took over.', hint: `A member has one session, and ${me}’s is now in the other tab.`};
    case 'retrying': return {kind: connection.reason, state: connection.reason, hint: 'Retrying…'};
    case 'connecting': return {kind: 'connecting', state: 'Connecting…', hint: ''};
  }
  if (match) {
    const far = formatDistance(distance(member.point, match.peer));
    if (match.presence?.state === 'away') {
      return {kind: `${match.match} away`, state: `You are matched with someone who is away since ${new Date(match.presence.at).toLocaleTimeString()}.`,
        hint: 'If they stay away, the match ends.'};
    }
    if (match.role === 'matcher') {
      return {kind: match.match, state: `You are matched with someone ${far} away.`, hint: 'You asked, so you see where they move.'};
    }
    return {kind: match.match, state: `You are matched with someone who asked from ${far} away.`, hint: 'You were found, so they see where you move.'};
  }
  if (offer) {
    const until = new Date(offer.expiresAt).toLocaleTimeString();
    if (offer.role === 'matcher') {
      return {kind: offer.match, state: `Someone within ${formatDistance(offer.distance)} is asked until ${until}.`, hint: 'If they decline, the next one is asked.'};
    }
    return {kind: offer.match, state: `Someone within ${formatDistance(offer.distance)} asks for you until ${until}.`, hint: 'Accept, and they see where you move.'};
  }
  if (request) {
    const widen = asked?.widen;
    return {kind: 'waiting', state: `You are waiting for a match until ${new Date(request.expiresAt).toLocaleTimeString()}.`,
      hint: widen ? `The circle grows to ${formatDistance(widen.widenTo)} within ${widen.widenSeconds} s.` : ''};
  }
  if (asked) return {kind: 'asking', state: 'Searching for the nearest member…', hint: ''};
  if (!member.reported) return {kind: 'reporting', state: 'Reporting your location…', hint: ''};
  if (member.unlisted) {
    return {kind: 'unlisted', state: `Nobody can find you until ${new Date(member.unlisted.until).toLocaleTimeString()}.`,
      hint: 'You ended too many matches within a minute of their start.'};
  }
  if (!member.available) return {kind: 'unavailable', state: 'You are not available.', hint: 'You can ask, but nobody finds you.'};
  return {kind: 'free', state: 'You are free.', hint: `Ask for the nearest member, or wait to be found.${member.tags.length > 0 ? ` Your tags: ${member.tags.join(', ')}.` : ''}`};
}
