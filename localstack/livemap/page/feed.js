// The feed: everybody, as of the frames that the gateway has seen.

const interval = 500, patience = 10_000; // ms

// follow calls on.feed with each one, and on.silent where none comes. A tab
// that nobody sees asks for none.
export async function follow(on) {
  for (;;) {
    if (document.hidden) await new Promise(shown => addEventListener('visibilitychange', shown, {once: true}));
    try {
      const answer = await fetch('/feed', {cache: 'no-store', signal: AbortSignal.timeout(patience)});
      if (!answer.ok) throw new Error(answer.statusText);
      on.feed(await answer.json());
    } catch {
      on.silent();
    }
    await new Promise(over => setTimeout(over, interval));
  }
}
