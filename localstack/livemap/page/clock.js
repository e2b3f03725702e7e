// A worker that ticks each second. A page in a hidden tab has its timers held
// back to one a minute, and its member would go stale; a worker has not.
setInterval(() => postMessage(null), 1000);
