// Loaded before a server under measurement, ours and the bare one alike: event-loop delay, memory and CPU time. On
// SIGUSR2 it appends one JSON line to SELVAGE_PROBE and starts the delay histogram anew. It changes nothing else.
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
const NANOSECONDS = 1e6;
const path = process.env.SELVAGE_PROBE;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  // The histogram measures the timer itself: its resolution is no delay.
  const ms = (value) => Math.max(0, value / NANOSECONDS - RESOLUTION_MS);
  const line = {
    rss: process.memoryUsage.rss(),
    cpuMs: (user + system) / 1000,
    p50Ms: ms(delay.percentile(50)),
    p99Ms: ms(delay.percentile(99)),
    maxMs: ms(delay.max),
  };
  delay.reset();
  if (path) appendFileSync(path, `${JSON.stringify(line)}\n`);
});
