/** Brings the runs of a busy kernel into a page that was loaded meanwhile: such a kernel answers nobody, but is heard. */
export default {
  initialize({ model }) {
    const isNew = (id) => dispatchEvent(new CustomEvent(`aimon_nb:${id}?`, { cancelable: true })),
      ids = model.get('runs').filter(isNew),
      carrier = model.get('kernel'),
      manager = model.widget_manager,
      heard = [],
      early = [];
    if (!ids.length || !manager?.kernel?.iopubMessage) return;
    const hear = (message, buffers) => {
      if (!heard.length) early.push([message, buffers]);
      else if (ids.includes(message.run_id)) for (const take of heard) take(message, buffers);
    };
    manager.kernel.iopubMessage.connect((_, { header, content, buffers }) => {
      if (header.msg_type === 'comm_msg' && content.comm_id === carrier && content.data?.method === 'custom') hear(content.data.content, buffers);
    });
    model.on('msg:custom', async ({ esm, css, snapshots }) => {
      document.head.append(Object.assign(document.createElement('style'), { textContent: css }));
      const made = (await import(URL.createObjectURL(new Blob([esm], { type: 'text/javascript' })))).default();
      // The page gets the kernel's own model when the kernel is idle: what was asked meanwhile goes by that one, and the
      // views stay. Others in their place would have the reader's rows shut.
      const lost = [];
      let reach;
      const own = new Promise((resolve) => {
        reach = resolve;
      });
      const on = (event, take) => {
        if (event === 'msg:custom') return heard.push(take);
        lost.push(take);
        own.then((found) => found.on(event, take));
      };
      const send = (message) => own.then((found) => found.send(message));
      made.initialize({ model: { get: (key) => (key === 'runs' ? [] : undefined), on, send, widget_manager: manager } });
      for (const id of ids) if (snapshots[id]) hear({ k: 'snapshot', run_id: id, snapshot: snapshots[id] });
      // Another says that it has a run: the kernel's own model has come, or one that is there in its stead.
      const look = () => {
        if (manager.has_model?.(carrier)) reach(manager.get_model(carrier));
        else for (const lose of lost) lose();
      };
      // Before the run hears of it: one that has lost its model gives its places away.
      for (const id of ids) addEventListener(`aimon_nb:${id}!`, look, true);
      for (const [message, buffers] of early) hear(message, buffers);
    });
  },
};
