// What the details are made of, without a page: node --test tests/views/pane.test.mjs
import assert from 'node:assert/strict';
import test from 'node:test';

const widget = new URL('../../aimon_nb/views/live/widget/', import.meta.url);
const load = (name) => import(new URL(name, widget));
const { markdown } = await load('markdown.js'), { continued } = await load('continued.js'), { callBeside, placeOf } = await load('walk.js'), { flatten } = await load('layout.js'), { size } = await load('format.js');

/** The tree in one line: `p[one strong[two]]`; code by its language, items by their marks, links by where they lead. */
const drawn = (one) => {
  if (typeof one === 'string') return one;
  const { t, kids, text, url, align } = one, about = ['strong', 'em', 'del'].includes(t) ? '' : [text, url, align].filter(Boolean).join(' ');
  return `${t}${about && `<${about}>`}[${kids.map(drawn).join('')}]`;
};
const read = (text) => markdown(text).map(drawn).join(' ');

const CASES = [
  ['# One\n###### six #', 'head<#>[One] head<######>[six #]'],
  ['a **b *c* d** e', 'p[a strong[b em[c] d] e]'],
  ['***x*** _y_ ~~z~~ __w__', 'p[strong[em[x]] em[y] del[z] strong[w]]'],
  ['snake_case_name 2*3*4 a * b ** c', 'p[snake_case_name 2*3*4 a * b ** c]'],
  ['**never closed *nor this', 'p[**never closed *nor this]'],
  ['\\*plain\\* \\`too\\`', 'p[*plain* `too`]'],
  ['`a *b*` ``c ` d`` ` e', 'p[code[a *b*] code[c ` d] ` e]'],
  ['```py\nx = *1*\n  y\n```\nafter', 'block<py>[x = *1*\n  y] p[after]'],
  ['~~~\n```\n~~~~', 'block[```]'],
  ['```\nnever closed', 'block[never closed]'],
  ['- a\n- b\n  - c\n    - d\n- e', 'list[item<->[p[a]]item<->[p[b] list[item<->[p[c] list[item<->[p[d]]]]]]item<->[p[e]]]'.replaceAll('] list', ']list')],
  ['1. a\n\n   more\n2) b', 'list[item<1.>[p[a]p[more]]item<2)>[p[b]]]'],
  ['1. a\n- b', 'list[item<1.>[p[a]]] list[item<->[p[b]]]'],
  ['text\n2020. a year\n- item', 'p[text\n2020. a year] list[item<->[p[item]]]'],
  ['> a\n> > b\n\nc', 'quote[p[a]quote[p[b]]] p[c]'],
  ['a\n\n---\n* * *\nb', 'p[a] rule[] rule[] p[b]'],
  ['| a | b |\n|:-:|--:|\n| 1 | **2** |\n| x \\| y |\nend', 'table<center,right>[row[cell[a]cell[b]]row[cell[1]cell[strong[2]]]row[cell[x | y]]] p[end]'],
  ['a | b\nno | rule', 'p[a | b\nno | rule]'],
  ['[**a**](http://x.y/z_(q) "t") [b] [c][1]', 'p[link<http://x.y/z_(q)>[strong[a]] [b] [c][1]]'],
  ['![alt](http://i) [![b](i)](l)', 'p[image<http://i>[alt] link<l>[image<i>[b]]]'],
  ['see https://a.b/c_(d). (http://e)', 'p[see link<https://a.b/c_(d)>[https://a.b/c_(d)]. (link<http://e>[http://e])]'],
  ['<b>x</b> &amp; <script>alert(1)</script> $a$', 'p[<b>x</b> &amp; <script>alert(1)</script> $a$]'],
  ['', ''],
];

test('Markdown is read as people who chat with models write it', () => {
  for (const [text, tree] of CASES) assert.equal(read(text), tree, text);
});

/** All that stands in a tree as text. */
const said = (one) => (typeof one === 'string' ? one : one.kids.map(said).join(''));
const deepest = (one) => (typeof one === 'string' ? 0 : 1 + Math.max(0, ...one.kids.map(deepest)));

const UNITS = ['*', '**a', '***a ', '_a', '[', '![', '[a](b', '[a](', '[[a](b)', '`', '`a``b', '> ', '>\n', '- ', '- a\n  ', '1. ', '\n', '|', '|-', '|a|b|\n|-|-|\n', 'https://', '# ',
  '```\n', '``` a\n~~~\n', '\\', '\\*', ' ', 'a ', '~~', '*a **b ~~c _d __e ', '-\n', '- -x\n', '> - 1. ', '"', '[a](b "', '|a', ' | - |\n'];

test('hostile Markdown of 100 kB takes no longer for how it is nested', () => {
  for (const unit of [...UNITS, ...UNITS.map((one) => `${one}x`)]) {
    const text = unit.repeat(100_000 / unit.length), before = process.cpuUsage().user;
    const tree = markdown(text), seconds = (process.cpuUsage().user - before) / 1e6;
    assert.ok(seconds < 5, `${JSON.stringify(unit)}: ${seconds} s`);
    assert.ok(Math.max(0, ...tree.map(deepest)) < 60, `${JSON.stringify(unit)} is nested deeply`);
  }
  const runs = Array.from({ length: 450 }, (_, i) => `${'`'.repeat(i + 1)}a`).join(''), before = process.cpuUsage().user;
  assert.equal(said(markdown(runs)[0]), runs);
  assert.ok(process.cpuUsage().user - before < 5e6);
});

test('no letter is lost but the marks themselves', () => {
  for (const unit of UNITS) {
    const text = `${unit}word `.repeat(50);
    assert.ok(markdown(text).map(said).join(' ').split('word').length > 25, JSON.stringify(unit));
  }
});

const turn = (side, role, text, calls = [], media = []) => ({ side, role, text, calls, media });
const call = (id, start, more = {}) => [id, { id, parent: 'agent', start, counts: true, ...more }];
const run = (rows, messages) => ({ rows: new Map(rows), details: new Map(Object.entries(messages).map(([id, messages]) => [id, { id, messages }])) });

test('a call goes on from the nearest one before it of which it repeats all, the answer too', () => {
  const first = [turn('in', 'system', 'S'), turn('in', 'user', 'U')], asks = turn('out', 'assistant', '', [['f', '{}']]);
  const second = [...first, { ...asks, side: 'in' }, turn('in', 'tool', 'R')];
  const third = [...second, turn('in', 'user', 'V')];
  const all = run([call('c', 3), call('a', 1), call('b', 2), call('x', 2.5), call('step', 2.6, { counts: false })], {
    a: [...first, asks], b: [...second, turn('out', 'assistant', 'A')], x: [turn('in', 'system', 'S'), turn('in', 'user', 'other')], c: [...third, turn('out', 'assistant', 'B')],
  });
  assert.deepEqual([continued(all, 'a').shared, continued(all, 'b').shared, continued(all, 'x').shared, continued(all, 'c').shared], [0, 3, 0, 4]);
});

test('what is asked again, begins like others or came later is no call before', () => {
  const same = [turn('in', 'system', 'S'), turn('in', 'user', 'U')];
  const all = run([call('a', 1), call('b', 2), call('c', 3), call('d', 0)], {
    a: same, b: same, c: [turn('in', 'system', 'S'), turn('in', 'user', 'other'), turn('in', 'user', 'U')], d: [...same, turn('in', 'user', 'W')],
  });
  assert.deepEqual(['a', 'b', 'c', 'd'].map((id) => continued(all, id).shared), [0, 0, 0, 0]);
  const image = (bytes) => turn('in', 'user', 'U', [], [{ type: 'image/png', size: bytes, name: '' }]);
  const seen = run([call('a', 1), call('b', 2), call('c', 3)], { a: [image(5)], b: [image(5), same[1]], c: [image(6), same[1]] });
  assert.deepEqual([continued(seen, 'b').shared, continued(seen, 'c').shared], [1, 0]);
});

test('where the page lacks the messages of the call before, it is said which', () => {
  const all = run([call('a', 1), call('b', 2), call('other', 2.5, { parent: 'p' }), call('c', 3)], { c: [turn('in', 'user', 'U'), turn('in', 'user', 'V')] });
  assert.deepEqual(continued(all, 'c'), { shared: 0, lacks: 'b' });
});

test('keys lead from call to call, past steps, into what is closed, failed ones of a group first, and not beyond the ends', () => {
  const make = (id, parent = null, more = {}) => ({ id, parent, counts: true, status: 'ok', start: 0, ...more });
  const step = make('step', null, { counts: false }), b = make('b'), c = make('c', null, { status: 'error' }), inStep = make('in', 'step'), tool = make('tool', null, { counts: false }), a = make('a'), d = make('d');
  const entry = (row, kids = 0, more = {}) => ({ id: row.id, row: { ...row, ...more }, open: false, kids });
  const group = entry(make('group b', null, { counts: false }), 2, { members: [b, c] });
  const entries = [entry(step, 1), entry(a), group, entry(tool), entry(d), entry(make('more'), 0, { more: [9, 0] })];
  const rows = new Map([step, inStep, a, b, c, tool, d].map((row) => [row.id, row]));
  const ids = (id, by) => callBeside(entries, rows, id, by)?.id;
  assert.deepEqual(['step', 'in', 'a', 'c', 'b', 'd', 'tool'].map((id) => ids(id, 1)), ['in', 'a', 'c', 'b', 'd', undefined, 'd']);
  assert.deepEqual(['step', 'in', 'a', 'c', 'b', 'd', 'tool'].map((id) => ids(id, -1)), [undefined, undefined, 'in', 'a', 'c', 'b', 'b']);
  assert.deepEqual([placeOf(entries, rows, 'c'), placeOf(entries, rows, 'tool')], [[3, 5], [0, 5]]);
});

test('an attempt that is folded into the call that succeeded is a call of its own, after that one', () => {
  const made = (id, tries, start) => ({ id, parent: null, counts: true, hidden: false, tries, start, status: 'ok' });
  const [first, second, last, other] = [made('first', [1, 1], 0), made('second', [1, 2], 1), made('last', [1, 3], 2), made('other', null, 3)];
  const rows = new Map([first, second, last, other].map((row) => [row.id, row]));
  for (const opened of [new Set(), new Set(['last'])]) {
    const { entries } = flatten(rows, new Set(), { opened });
    assert.equal(entries.length, opened.size ? 4 : 2);
    assert.deepEqual(['last', 'first', 'second', 'other'].map((id) => callBeside(entries, rows, id, 1)?.id), ['first', 'second', 'other', undefined]);
    assert.deepEqual(['last', 'first', 'second', 'other'].map((id) => placeOf(entries, rows, id)), [[1, 4], [2, 4], [3, 4], [4, 4]]);
  }
});

test('bytes are said with the digits that matter', () => {
  assert.deepEqual([0, 1, 999, 1000, 34_567, 999_999, 1_234_567, 10_000_000].map(size), ['0 bytes', '1 byte', '999 bytes', '1 kB', '34.6 kB', '1 MB', '1.2 MB', '10 MB']);
});
