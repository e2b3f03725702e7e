// A worker that ticks each second. The browser slows the timers of a hidden tab to one a
// minute, so that its member would become stale; it does not slow the timers of a worker.
setInterval(() => postMessage(null), 1000);
