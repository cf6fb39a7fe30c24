"""The runs that a page knows. It keeps them in the scope of its script, so tests add a line to that script.

`storedRuns()` is a map of them by id, the newest last.
"""

HOOK = "\n(globalThis.testStores ??= []).push($store.runs);"
RUNS = "globalThis.storedRuns = () => new Map((globalThis.testStores ?? []).flatMap(runs => [...runs]));"
# A page's first script: whatever imports ours gets it with that line.
INIT = f"""(() => {{
  {RUNS}
  const Made = globalThis.Blob;
  globalThis.Blob = class Blob extends Made {{
    constructor(parts, options) {{
      const isOurs = parts?.length === 1 && typeof parts[0] === 'string' && parts[0].includes('const $store = ');
      super(isOurs ? [parts[0], {HOOK!r}] : parts, options);
    }}
  }};
}})();"""
