// @ts-check
/**
 * The panes beside the tree: one span in detail, and the models.
 *
 * Whatever a model wrote is hostile text: it reaches the page by textContent only.
 * No table, pre or code elements: a notebook has styles of its own for those.
 *
 * @typedef {import('./layout.js').Row} Row
 * @typedef {{side:string, role:string, text:string, calls:[string,string][]}} Turn
 * @typedef {{place:string, code:string, library:boolean}} Frame
 */
import { byModel, commas, cut, money, pieces, sumCost, tokens, visible } from './layout.js';

const TURNS = 6; // turns of a conversation shown at first
const READ = 2; // of them read at length: what was asked last, and the answer
const BRIEF = 600; // characters of the others shown at first
const ONE_LINE = 80; // characters of a list that stands on a line
const DEEP = 2; // levels of a JSON value that stand open
const JSON_LIMIT = 200_000; // characters of JSON laid out as a tree

/** An element with a class and text. @param {string} tag @param {string} [name] @param {string|null} [text] */
export function make(tag, name, text) {
  const el = document.createElement(tag);
  if (name) el.className = name;
  if (text != null) el.textContent = text;
  return el;
}

/** Set text only where it differs. @param {Element} el @param {string} text */
export function say(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = document.createElement('textarea');
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand('copy');
    box.remove();
  }
}

/** A button that copies and says so. @param {() => string} text @param {string} what */
export function copyButton(text, what) {
  const button = make('button', 'copy', 'copy');
  button.setAttribute('aria-label', `copy ${what}`);
  button.addEventListener('click', async (event) => {
    event.stopPropagation();
    await copy(text());
    button.textContent = 'copied';
    setTimeout(() => (button.textContent = 'copy'), 1200);
  });
  return button;
}

/** The conversation, or what went into a step and came out. @param {any} item */
export function said(item) {
  const pane = make('div'), /** @type {Turn[]} */ turns = item.messages ?? [];
  if (item.error) {
    const error = make('div', 'failed');
    error.append(block(item.error, 'error'));
    pane.append(error);
    if (item.frames?.length) pane.append(traceback(item.frames));
  }
  const early = turns.slice(0, Math.max(0, turns.length - TURNS)), late = turns.slice(early.length);
  if (early.length) {
    const more = make('button', 'more', `${early.length} earlier ${early.length === 1 ? 'message' : 'messages'}`);
    more.addEventListener('click', () => more.replaceWith(...early.map((t) => turn(t))));
    pane.append(more);
  }
  pane.append(...late.map((t, i) => turn(t, i === late.length - 1 && t.side === 'out' ? item.ending : '', i < late.length - READ || (t.role === 'input' && late.length > 1) ? BRIEF : undefined)));
  if (!turns.length && !item.error) pane.append(make('div', 'dim', visible(item.nothing ?? '')));
  return pane;
}

/** The way the error took, under the last place in the reader's own code. @param {Frame[]} frames */
function traceback(frames) {
  const fold = make('details', 'trace'), own = frames.filter((f) => !f.library).at(-1) ?? frames[frames.length - 1];
  fold.append(make('summary', '', `${commas(frames.length)} ${frames.length === 1 ? 'frame' : 'frames'} · ${visible(own.place)}`));
  for (const { place, code, library } of frames) {
    const frame = make('div', library ? 'dim' : '');
    frame.append(make('div', 'small', visible(place)), make('div', 'text', visible(code)));
    fold.append(frame);
  }
  return fold;
}

/** @param {Turn} t @param {string} [ending] @param {number} [limit] */
function turn(t, ending, limit) {
  const el = make('div', `turn ${t.side}`), top = make('div', 'who'), calls = t.calls ?? [];
  const whole = () => [t.text, ...calls.map(([name, args]) => `→ ${name}(${args})`)].filter(Boolean).join('\n');
  top.append(make('span', '', [visible(t.role), ending].filter(Boolean).join(' · ')), copyButton(whole, `the ${t.role} message`));
  el.append(top);
  if (t.text || !calls.length) el.append(block(t.text || '(empty)', t.role, limit, t.role === 'input' || t.role === 'output'));
  for (const [name, args] of calls) {
    const call = make('div', 'call');
    call.append(make('div', 'text', `→ ${visible(name)}`), block(args, `the arguments of ${name}`));
    el.append(call);
  }
  return el;
}

/** Text of any length, cut with "show all"; JSON as a tree that folds. @param {string} text @param {string} what @param {number} [limit] @param {boolean} [bare] */
function block(text, what, limit, bare) {
  const box = make('div', 'block'), value = parsed(text);
  if (value !== undefined) {
    // Arguments by name are lines; a list, or what is large, folds as a whole.
    const names = bare && !Array.isArray(value) ? Object.keys(value) : [];
    box.append(...(names.length && names.length <= 50 ? names.map((name) => json(name, value[name], 1, limit)) : [json('', value, 0, limit)]));
    return box;
  }
  const shown = cut(text, limit);
  box.append(part(shown.text + (shown.left ? '…' : '')));
  if (shown.left) box.append(showAll(text, what, box));
  return box;
}

/** A button that lays all of a text out in its box. @param {string} text @param {string} what @param {HTMLElement} box @param {string} [lead] */
function showAll(text, what, box, lead = '') {
  const all = make('button', 'more', `show all ${commas(text.length)} characters`);
  all.setAttribute('aria-label', `show all of ${visible(what)}`);
  all.addEventListener('click', () => box.replaceChildren(...pieces(lead + text).map((piece) => part(piece))));
  return all;
}

/** One laid-out piece of a text. @param {string} text */
function part(text) {
  const piece = make('div', 'text', visible(text));
  piece.dir = 'auto';
  return piece;
}

/** The value of a text that is a JSON object or list. @param {string} text */
function parsed(text) {
  if (!/^\s*[[{]/.test(text) || text.length > JSON_LIMIT) return undefined;
  try {
    const value = JSON.parse(text);
    return Object.keys(value).length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The start of a text, on a line. @param {string} text */
const brief = (text) => visible(text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** A list of a few words and numbers, on one line; undefined for others. @param {any} value */
function onOneLine(value) {
  if (!Array.isArray(value) || value.length > ONE_LINE || value.some((one) => (one !== null && typeof one === 'object') || String(one).length > ONE_LINE)) return undefined;
  const text = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
  return text.length > ONE_LINE ? undefined : text;
}

/** A JSON value that folds, built as far as it is opened. @param {string} key @param {any} value @param {number} depth @param {number} [limit] @returns {HTMLElement} */
function json(key, value, depth, limit) {
  const lead = key && `${visible(key)}: `, text = onOneLine(value);
  if (text !== undefined || value === null || typeof value !== 'object') {
    const whole = text ?? String(value), shown = cut(whole, limit), leaf = make('div', 'text json');
    leaf.append(make('span', 'dim', lead), visible(shown.text + (shown.left ? '…' : '')));
    leaf.dir = 'auto';
    if (!shown.left) return leaf;
    const box = make('div');
    box.append(leaf, showAll(whole, key || 'the value', box, lead));
    return box;
  }
  const names = Object.keys(value), list = Array.isArray(value), fold = /** @type {HTMLDetailsElement} */ (make('details', 'json'));
  fold.append(make('summary', '', lead + (list ? `[${commas(names.length)}]` : `{${brief(names.join(', '))}}`)));
  const fill = () => {
    if (fold.open && fold.children.length === 1) fold.append(...names.map((name) => json(list ? '' : name, value[name], depth + 1, limit)));
  };
  fold.addEventListener('toggle', fill);
  fold.open = depth < DEEP && names.length <= 50;
  fill();
  return fold;
}

/** Usage, the arithmetic of the cost, and facts. @param {any} item */
export function facts(item) {
  const pane = make('div'), c = item.cost, counted = c?.parts?.some((/** @type {string[]} */ p) => p[1]);
  if (!counted && item.usage?.length) pane.append(table('sum', 'tokens', item.usage));
  if (c?.parts?.length) {
    const sums = c.parts.map((/** @type {string[]} */ p) => [p[0], p[2] ? `${p[1]} × ${p[2]}` : p[1], p[3]]);
    const sum = table('sum', 'cost', [...sums, [c.model, counted ? 'per 1M' : '', c.total]]);
    sum.lastElementChild?.classList.add('total');
    pane.append(sum);
  }
  const lines = [c && !c.parts?.length ? c.total : '', c?.reason, [c?.source, ...(c?.assumptions ?? [])].filter(Boolean).join(' · ')].filter(Boolean);
  for (const text of lines) pane.append(make('div', 'small', visible(text)));
  if (item.facts?.length) pane.append(table('facts', 'facts', item.facts));
  for (const [name, list] of [['parameters', item.parameters], ['more', [...(item.more ?? []), ...(item.attributes ?? [])]]]) {
    if (!list?.length) continue;
    const more = make('details');
    more.append(make('summary', '', name), table('facts', name, list));
    pane.append(more);
  }
  if (item.tools?.length) pane.append(make('div', 'small', visible(`tools offered: ${item.tools.join(', ')}`)));
  return pane;
}

/** Elements with roles, not a table. @param {string} name @param {string} label @param {string[][]} lines */
function table(name, label, lines) {
  const el = make('div', name);
  el.setAttribute('role', 'table');
  el.setAttribute('aria-label', label);
  for (const [head, ...cells] of lines) el.append(line([make('span', '', visible(String(head))), ...cells.map((cell) => make('span', '', visible(String(cell ?? ''))))]));
  return el;
}

/** @param {HTMLElement[]} cells the first is the head @param {string} [role] */
function line(cells, role) {
  const el = make('div', 'line-of');
  el.setAttribute('role', 'row');
  cells.forEach((cell, i) => cell.setAttribute('role', role ?? (i ? 'cell' : 'rowheader')));
  el.append(...cells);
  return el;
}

/** Tokens and cost by model. @param {Map<string, Row>} rows */
export function models(rows) {
  const list = byModel(rows), el = make('div', 'models');
  const most = (/** @type {(s: any) => number} */ of) => Math.max(1e-12, ...list.map((one) => of(one.sum)));
  const all = (/** @type {any} */ s) => (s.input ?? 0) + (s.output ?? 0), dearest = most((s) => s.usd ?? 0), longest = most(all);
  el.setAttribute('role', 'table');
  el.setAttribute('aria-label', 'models');
  const heads = line(['model', 'calls', 'tokens', 'cost'].map((text) => make('span', '', text)), 'columnheader');
  heads.classList.add('heads');
  el.append(heads);
  for (const { model, calls, errors, sum } of list) {
    const count = [`${commas(calls)}`, errors ? `${commas(errors)} ✕` : ''].filter(Boolean).join(' · ');
    const cost = sum.usd === 0 && !sum.doubtful ? 'free' : sumCost(sum) || (sum.doubtful ? 'unpriced' : money(sum.usd));
    el.append(line([make('span', 'name', visible(model)), make('span', 'num', count), barred(tokens(sum.input, sum.output), all(sum) / longest), barred(cost, (sum.usd ?? 0) / dearest)]));
  }
  if (!list.length) el.append(make('div', 'dim', 'no model call was heard'));
  return el;
}

/** A number over its bar. @param {string} text @param {number} share 0 … 1 */
function barred(text, share) {
  const cell = make('span', 'barred'), bar = make('i');
  bar.style.width = `${100 * Math.min(1, share)}%`;
  cell.append(make('span', 'num', text), bar);
  return cell;
}
