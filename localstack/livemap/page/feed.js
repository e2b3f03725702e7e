// The feed: all members, from the frames that the gateway has seen.

const interval = 500, timeout = 10_000; // ms

// stateOf names the state of a member of the feed. Only a free or a waiting member can be found.
export const stateOf = m => m.match ? 'matched' : m.offer ? 'offered' : m.waiting ? 'waiting' : 'free';

// follow polls the feed. It calls on.feed with each response, and on.failed without one.
// In a hidden tab it pauses.
export async function follow(on) {
  for (;;) {
    if (document.hidden) await new Promise(shown => addEventListener('visibilitychange', shown, {once: true}));
    try {
      const response = await fetch('/feed', {cache: 'no-store', signal: AbortSignal.timeout(timeout)});
      if (!response.ok) throw new Error(response.statusText);
      on.feed(await response.json());
    } catch {
      on.failed();
    }
    await new Promise(over => setTimeout(over, interval));
  }
}
