// @ts-check
/** The kernel as the page hears of it: that a cell starts, that the kernel is gone; and its interrupt. */
import { make, say } from './panes.js';
import { runs } from './store.js';

const GONE = ['restarting', 'autorestarting', 'terminating', 'dead'];
const PATIENCE = 3000; // ms after which a Stop that the cell has survived may be pressed again

/** @type {WeakSet<object>} */
const heard = new WeakSet();

/** Tell every view that a cell starts to run, and every run of a kernel that is gone. @param {any} kernel */
export function listenToKernel(kernel) {
  if (!kernel?.iopubMessage?.connect || heard.has(kernel)) return;
  heard.add(kernel);
  kernel.iopubMessage.connect((/** @type {any} */ _, /** @type {any} */ message) => {
    if (message?.header?.msg_type !== 'execute_input') return;
    for (const run of runs.values()) for (const view of run.views) if (!run.running && view.root.isConnected) view.foldQuietly();
  });
  kernel.statusChanged?.connect((/** @type {any} */ _, /** @type {string} */ status) => {
    if (GONE.includes(status)) for (const run of runs.values()) if (run.kernel === kernel) run.markLost();
  });
}

/** The button that interrupts the cell. @param {import('./store.js').Run} run */
export function stopButton(run) {
  const stop = make('button', 'stop', 'Stop');
  const ready = (/** @type {boolean} */ is) => {
    say(stop, is ? 'Stop' : 'stopping…');
    stop.setAttribute('aria-disabled', String(!is)); // a disabled one would lose the keyboard
  };
  stop.addEventListener('click', (event) => {
    event.stopPropagation();
    if (stop.getAttribute('aria-disabled') === 'true') return;
    ready(false);
    setTimeout(ready, PATIENCE, true);
    Promise.resolve(run.interrupt?.()).catch(() => ready(true));
  });
  return stop;
}
