// @ts-check
/** The kernel as the page hears of it: that a cell starts, that the kernel is gone. */
import { runs } from './store.js';

const GONE = ['restarting', 'autorestarting', 'terminating', 'dead'];

/** @type {WeakSet<object>} */
const heard = new WeakSet();

/** Tell every view that a cell starts to run, and every run of a kernel that is gone. @param {any} kernel */
export function listenToKernel(kernel) {
  if (!kernel?.iopubMessage?.connect || heard.has(kernel)) return;
  heard.add(kernel);
  kernel.iopubMessage.connect((/** @type {any} */ _, /** @type {any} */ message) => {
    if (message?.header?.msg_type !== 'execute_input') return;
    for (const run of runs.values()) for (const view of run.views) if (!run.running && view.root.isConnected) view.quiet.fold();
  });
  const own = () => [...runs.values()].filter((run) => run.kernel === kernel);
  kernel.statusChanged?.connect((/** @type {any} */ _, /** @type {string} */ status) => {
    if (GONE.includes(status)) for (const run of own()) run.markLost();
  });
  // Its notebook was closed. When it is opened again another connection tells of the same runs.
  kernel.disposed?.connect(() => {
    for (const run of own()) {
      run.closed = true;
      run.detach();
    }
  });
}
