/** Shows a run in a place: the kernel's own model, which carries the script, hears of it by an event; a page without that model is sent the script. */
export default {
  async render({ model, el }) {
    const id = model.get('run_id'),
      name = `aimon_nb:${id}`;
    const ask = () => dispatchEvent(new CustomEvent(name, { cancelable: true, detail: [el, { widget: true }] }));
    if (!ask()) return;
    addEventListener(`${name}!`, ask, { once: true });
    const manager = model.widget_manager;
    if (await Promise.resolve(manager?.get_model?.(model.get('kernel'))).catch(() => null)) return;
    const heard = [];
    model.on('msg:custom', async (message, raw) => {
      if (message.k !== 'script') return heard.map((hear) => hear(message, raw));
      document.head.append(Object.assign(document.createElement('style'), { textContent: message.css }));
      const url = URL.createObjectURL(new Blob([message.esm], { type: 'text/javascript' }));
      const get = (key) => (key === 'snapshot' ? message.snapshot : model.get(key));
      const on = (event, hear) => event === 'msg:custom' && heard.push(hear);
      (await import(url)).default().initialize({ model: { get, on, send: (one) => model.send(one), widget_manager: manager } });
    });
    model.send({ k: 'script' });
  },
};
