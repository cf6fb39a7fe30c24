// @ts-check
/** The widget: what its model tells goes to the runs, from the first message on, before any view. */
import { listenToKernel } from './kernel.js';
import { show } from './show.js';
import { runOf, runs } from './store.js';

/** One call a model: that of the kernel, which tells of all runs, or that of one run. */
export default () => ({
  /** @param {{model: any}} context */
  initialize({ model }) {
    const kernel = model.widget_manager?.kernel,
      /** @type {string|undefined} */ own = model.get('run_id');
    let closed = false;
    listenToKernel(kernel);
    const open = (/** @type {string} */ id) => {
      const known = runs.has(id),
        run = runOf(id, show);
      if (closed || known) return run;
      run.kernel = kernel;
      if (typeof kernel?.interrupt === 'function') run.interrupt = () => kernel.interrupt();
      if (model.send) run.send = (message) => model.send({ ...message, run_id: id });
      return run;
    };
    model.on('msg:custom', (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message && (!own || !message.run_id || message.run_id === own)) open(own ?? message.run_id).receive(message, buffers);
    });
    model.on('destroy', () => {
      closed = true;
      for (const run of runs.values()) run.detach();
    });
    if (!own) {
      for (const id of /** @type {string[]} */ (model.get('runs') ?? [])) open(id).announce();
      return;
    }
    const restore = () => open(own).restore(model.get('snapshot'));
    restore();
    model.on('change:snapshot', restore);
  },
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const id = model.get('run_id');
    if (id) runOf(id, show).mount(el, { widget: true });
  },
});
