// @ts-check
/**
 * Markdown as a plain tree: no HTML is read and none is made. No DOM here, so node tests it.
 * It is hostile text: how often a step goes over it does not depend on what is in it.
 *
 * @typedef {{t: string, kids: (Node|string)[], text?: string, url?: string, align?: string[]}} Node `text`: the language of code, the mark of an item
 */

const DEEP = 8; // quotes and lists in one another; what is deeper is text
const COLUMNS = 40; // of a table; what has more is text
const ADDRESS = 2000; // characters of a link at most
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?: +|$)/;
const QUOTE = /^ *> ?/;
const HEADING = /^ *(#{1,6}) (.*)/;
const FENCE = /^ *(`{3,}|~{3,})([^`]*)$/;
const LINK = /^((?:[^[\]\\]|\\.|!?\[[^[\]]*\])*)\]\(((?:[^\s()]|\([^\s()]*\))*)(?:\s"[^"\n]*")?\)/s;
const URL_TEXT = /^(?:[^\s<>"`|\\()]|\([^\s()]*\))*/;
const TOKEN = /\\[!-/:-@[-`{-~]|`+|(?<!\*)\*{1,3}(?!\*)|(?<!_)_{1,3}(?!_)|~~|!?\[|\bhttps?:\/\//g;

/** @param {string} t @param {(Node|string)[]} kids @param {Partial<Node>} [more] @returns {Node} */
const node = (t, kids, more) => ({ t, kids, ...more });

const indent = (/** @type {string} */ line) => line.length - line.trimStart().length;
const unindent = (/** @type {string} */ line, by = 0) => line.slice(Math.min(by, indent(line)));
const isRule = (/** @type {string} */ line) => /^([-*_])\1\1+$/.test(line.replace(/[ \t]/g, ''));
/** @param {string} line */
function cells(line) {
  const inner = line.trim().replace(/^\||(?<!\\)\|$/g, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** How the columns are aligned of a table that begins here. @param {string} line @param {string} [below] */
function aligned(line, below = '') {
  if (!line.includes('|') || !/^[ \t|:-]+$/.test(below)) return undefined;
  const rule = cells(below).map((cell) => /^(:?)-+(:?)$/.exec(cell));
  if (rule.length > COLUMNS || rule.length !== cells(line).length || rule.includes(null)) return undefined;
  return rule.map((mark) => (mark?.[2] ? (mark[1] ? 'center' : 'right') : ''));
}

/** What begins at a line. @param {string} line @param {string|undefined} below the next line @param {number} depth */
function kindOf(line, below, depth) {
  if (!line.trim()) return '';
  if (isRule(line)) return 'rule';
  if (HEADING.test(line)) return 'head';
  if (FENCE.test(line)) return 'block';
  if (aligned(line, below)) return 'table';
  if (depth < DEEP && QUOTE.test(line)) return 'quote';
  return depth < DEEP && ITEM.test(line) ? 'list' : 'p';
}

/** The blocks of a text. @param {string} text */
export const markdown = (text) => blocks(text.replace(/\r\n?/g, '\n').split('\n'), 0);

/** @param {string[]} lines @param {number} depth */
function blocks(lines, depth) {
  /** @type {Node[]} */
  const found = [];
  let at = 0;
  const kind = () => (at < lines.length ? kindOf(lines[at], lines[at + 1], depth) : '');
  /** The lines from here on of which this holds. @param {(line: string) => unknown} holds */
  const take = (holds) => {
    const from = at;
    while (at < lines.length && holds(lines[at])) at += 1;
    return lines.slice(from, at);
  };
  /** @type {Record<string, (line: string) => Node|void>} */
  const read = {
    '': () => {
      at += 1;
    },
    rule: () => {
      at += 1;
      return node('rule', []);
    },
    head: (line) => {
      const [, text, title] = /** @type {string[]} */ (HEADING.exec(line));
      at += 1;
      return node('head', inline(title), { text });
    },
    block: (line) => {
      const [, fence, info] = /** @type {string[]} */ (FENCE.exec(line)),
        ends = (/** @type {string} */ one) => one.startsWith(fence) && one === fence[0].repeat(one.length);
      at += 1;
      const code = take((one) => !ends(one.trim())).map((one) => unindent(one, indent(line)));
      at += 1;
      return node('block', [code.join('\n')], { text: info.trim() });
    },
    table: (line) => {
      const align = aligned(line, lines[at + 1]),
        rows = take((one) => one.includes('|')).filter((_, i) => i !== 1);
      return node(
        'table',
        rows.map((row) =>
          node(
            'row',
            cells(row).map((cell) => node('cell', inline(cell))),
          ),
        ),
        { align },
      );
    },
    quote: () =>
      node(
        'quote',
        blocks(
          take((one) => QUOTE.test(one)).map((one) => one.replace(QUOTE, '')),
          depth + 1,
        ),
      ),
    list: (line) => {
      const items = [],
        within = indent(line) + 2; // what stands that far in belongs to the item above it
      while (kind() === 'list' && indent(lines[at]) < within && /^ *\d/.test(lines[at]) === /^ *\d/.test(line)) {
        const [mark, , text] = /** @type {string[]} */ (ITEM.exec(lines[at])),
          first = lines[at].slice(mark.length);
        at += 1;
        const more = take((one) => !one.trim() || indent(one) >= within).map((one) => unindent(one, mark.length));
        items.push(node('item', blocks([first, ...more], depth + 1), { text }));
      }
      return node('list', items);
    },
    p: () => {
      const from = at,
        // A year at the start of a line is no list.
        own = take((line) => at === from || kind() === 'p' || (kind() === 'list' && /^ *(?!1[.)])\d/.test(line)));
      return node('p', inline(own.join('\n')));
    },
  };
  while (at < lines.length) {
    const one = read[kind()](lines[at]);
    if (one) found.push(one);
  }
  return found;
}

/** The pieces of a line or paragraph. @param {string} text @param {boolean} [inLink] */
export function inline(text, inLink) {
  const open = [node('', [])], // the whole, then marks that nothing has closed yet, each kind once
    tokens = new RegExp(TOKEN);
  let done = 0;
  /** What stands before `at` is text; then comes this, up to `next`. @param {number} at @param {Node|string} what @param {number} next */
  const put = (at, what, next) => {
    const { kids } = open[open.length - 1];
    if (at > done) kids.push(text.slice(done, at));
    if (what) kids.push(what);
    done = tokens.lastIndex = next;
  };
  /** Marks above this level that nothing closes are text. @param {number} level */
  const fold = (level) => {
    while (open.length > level) {
      const { text: mark = '', kids } = /** @type {Node} */ (open.pop());
      for (const kid of [mark, ...kids]) open[open.length - 1].kids.push(kid);
    }
  };
  /** @param {number} at @param {string} run */
  const emphasise = (at, run) => {
    const next = at + run.length,
      isIn = (/** @type {string} */ c = ' ') => (run[0] === '_' || run === '*') && /[\p{L}\p{N}]/u.test(c), // snake_case, 2*3
      opens = /\S/.test(text[next] ?? '') && !isIn(text[at - 1]),
      closes = /\S/.test(text[at - 1] ?? '') && !isIn(text[next]);
    let left = run.length;
    put(at, '', next);
    for (let level = open.length - 1; closes && level > 0; level -= 1) {
      const one = open[level],
        { length } = one.text ?? '';
      if (one.text?.[0] !== run[0] || length > left) continue;
      fold(level + 1);
      open.pop();
      open[level - 1].kids.push(one);
      left -= length;
    }
    for (const t of run[0] === '~' ? ['del'] : ['strong', 'em']) {
      const mark = run[0].repeat(t === 'em' ? 1 : 2);
      if (!opens || mark.length > left || open.some((one) => one.text === mark)) continue;
      open.push(node(t, [], { text: mark }));
      left -= mark.length;
    }
    done = next - left;
  };
  for (let hit = tokens.exec(text); hit; hit = tokens.exec(text)) {
    const [run] = hit,
      at = hit.index,
      next = at + run.length;
    if (run[0] === '\\') put(at, run[1], next);
    else if (run[0] === '`') {
      const length = text.slice(next).search(new RegExp(`(?<!\`)${run}(?!\`)`));
      if (length > 0) put(at, node('code', [text.slice(next, next + length)]), next + length + run.length);
      else tokens.lastIndex = next;
    } else if (run[0] === 'h') {
      const [found] = URL_TEXT.exec(text.slice(at, at + ADDRESS)) ?? [''],
        url = found.replace(/[.,;:!?*_~'\]]+$/, '');
      if (!inLink && url.length > run.length) put(at, node('link', [url], { url }), at + url.length);
    } else if (run.endsWith('[')) {
      const [whole, label, url] = LINK.exec(text.slice(next, next + ADDRESS)) ?? [];
      if (whole && run[0] === '!') put(at, node('image', [label], { url }), next + whole.length);
      else if (whole && !inLink) put(at, node('link', inline(label, true), { url }), next + whole.length);
    } else emphasise(at, run);
  }
  put(text.length, '', 0);
  fold(1);
  return open[0].kids;
}
