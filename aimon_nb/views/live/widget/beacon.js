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
      made.initialize({
        model: {
          get: (key) => (key === 'runs' ? [] : undefined),
          on: (event, take) => event === 'msg:custom' && heard.push(take),
          widget_manager: manager,
        },
      });
      for (const id of ids) if (snapshots[id]) hear({ k: 'snapshot', run_id: id, snapshot: snapshots[id] });
      for (const [message, buffers] of early) hear(message, buffers);
    });
  },
};
