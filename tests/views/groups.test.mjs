// Equal rows as one, attempts as one, and what such rows say, without a page: node --test tests/views/groups.test.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const widget = new URL('../../aimon_nb/views/live/widget/', import.meta.url);
const load = (name) => import(new URL(name, widget));
const [{ flatten }, { counted, unpackRow, upsert }, { sumCost }, { seconds, tokens }, { strip }] = await Promise.all(['layout.js', 'rows.js', 'sums.js', 'format.js', 'groups.js'].map(load));
const trees = JSON.parse(readFileSync(new URL('trees.json', import.meta.url)));

const call = (id, more = {}) => ({
  ...unpackRow([id, null, 'model', 'label', 'gpt-4o', 'ok', Number(/\d+/.exec(id)?.[0] ?? 0), 1, true, '$0.5', false, 10, 1, 0.5, 'priced']), ...more,
});
const step = (id, more = {}) => ({ ...unpackRow([id, null, 'other', 'answer', '', 'ok', Number(/\d+/.exec(id)[0]), 1]), ...more });
const running = { status: 'running', dur: null };
const refused = { status: 'error', error: 'E', cost: '', usd: null, cost_state: null, input: null, output: null };
const rows = (...list) => new Map(list.map((row) => [row.id, row]));
const lay = (all, look) => flatten(all, new Set(), look).entries;
const ids = (entries) => entries.map((entry) => `${'.'.repeat(entry.depth)}${entry.id}`);
const many = (n, make = call) => Array.from({ length: n }, (_, i) => make(`c${i}`));

for (const [name, { rows: told, lines }] of Object.entries(trees))
  test(`the live tree says the same as the saved one: ${name}`, () => {
    const all = new Map();
    upsert(all, told.map(unpackRow));
    const seen = lay(all)
      .filter((entry) => !entry.depth)
      .map((entry) => {
        const { row, sum } = entry;
        return [row.name, [entry.label, entry.times].filter(Boolean).join(' '), seconds(row.dur), entry.why, (sum && tokens(sum.input, sum.output)) || counted(row), (sum && sumCost(sum)) || entry.cost];
      });
    assert.deepEqual(seen, lines);
  });

test('equal calls are one row whatever stands between them; while some run it says how many', () => {
  const mixed = many(6).flatMap((one, i) => [one, call(`d${i}`, { name: `other ${i}`, start: i + 0.5 })]);
  const [group, ...others] = lay(rows(...mixed, call('c8', running), call('c9', running)));
  assert.equal(group.times, '× 8');
  assert.equal(group.why, '2 running · each p50 1.00 s · p95 1.00 s · max 1.00 s');
  assert.deepEqual([group.row.status, group.row.dur], ['running', null]);
  assert.equal(others.length, 6);
});

test('a group counts what was sent, and where nothing was, how many there are', () => {
  const unsent = { ...refused, outcome: 'refused', counts: false },
    [six, seven] = [[...Array(6).fill({}), ...Array(5).fill(unsent)], Array(7).fill(unsent)].map((list) => lay(rows(...list.map((more, at) => call(`c${at}`, more))))[0].times);
  assert.deepEqual([six, seven], ['× 6', '× 7']);
});

test('calls of another caller, model, kind or remark are no group, nor are four', () => {
  const parted = [{}, { label: 'o3' }, { name: 'judge' }, { kind: 'embedding' }, { remark: 'R' }].flatMap((more, at) => many(4, (id) => call(`${at}${id}`, more)));
  assert.equal(lay(rows(...parted)).length, 20);
});

test('opened, the failed stand first, then the others as they began, or by time or cost', () => {
  const all = rows(...many(7, (id) => call(id, { dur: (Number(id[1]) * 3) % 7, usd: Number(id[1]) })), call('c7', refused), call('c8', refused));
  const [{ id }] = lay(all);
  const opened = new Set([id]);
  const order = (by) => lay(all, { opened, orders: new Map([[id, by]]) }).slice(1).map((entry) => entry.id).join(' ');
  assert.equal(order(''), 'c7 c8 c0 c1 c2 c3 c4 c5 c6');
  assert.equal(order('slow'), 'c7 c8 c2 c4 c6 c1 c3 c5 c0');
  assert.equal(order('dear'), 'c7 c8 c6 c5 c4 c3 c2 c1 c0');
});

test('a group keeps its name as it grows, whoever comes before, and as its members end', () => {
  const all = rows(...many(5, (id) => call(id, running)));
  const begun = lay(all)[0].id;
  upsert(all, [...many(3), call('before', { start: -1 }), call('c9', refused)]);
  const [group] = lay(all);
  assert.deepEqual([group.id, group.times], [begun, '× 7']);
});

test('a step that runs is seen with what is below it, but for those of a crowd, which stays one', () => {
  const made = (n, ran) => rows(...Array.from({ length: n }, (_, i) => [step(`s${i}`, i >= ran ? running : {}), call(`c${i}`, { parent: `s${i}` })]).flat());
  assert.deepEqual(ids(lay(made(8, 7)).slice(1)), ['s7', '.c7']);
  const all = made(20, 8);
  const [group, ...others] = lay(all);
  assert.deepEqual([group.times, others.length, group.words.rest.slice(0, 10)], ['× 20', 0, '12 running']);
  upsert(all, Array.from({ length: 18 }, (_, i) => step(`s${i}`)));
  assert.equal(lay(all)[0].times, '× 20', 'the last of a crowd stay in it');
});

test('a step in which something failed stands for itself, also while it runs', () => {
  const parts = Array.from({ length: 8 }, (_, i) => [step(`s${i}`, i === 3 ? running : {}), call(`c${i}`, { parent: `s${i}`, ...(i === 3 ? refused : {}) })]).flat();
  assert.deepEqual(ids(lay(rows(...parts)).slice(1)), ['s3', '.c3']);
});

test('attempts at a request are one row, the last, where the first began; opened it shows the others', () => {
  const tried = (id, attempt, more) => call(id, { tries: [7, attempt], ...more });
  const all = rows(tried('c1', 1, { ...refused, retried: true, outcome: '429' }), call('c2', { name: 'x' }), tried('c3', 2, { outcome: '2nd try' }));
  const [row, other] = lay(all);
  assert.deepEqual([row.id, row.label, row.kids, row.open, other.id], ['c3', 'gpt-4o · 2nd try', 1, false, 'c2']);
  const opened = lay(all, { opened: new Set(['c3']) });
  assert.deepEqual(ids(opened), ['c3', '.c1', 'c2']);
  assert.deepEqual([opened[1].label, opened[1].why], ['gpt-4o · 429, retried', '']);
  assert.deepEqual(ids(lay(all, { find: (one) => one.id === 'c1' })), ['c3', '.c1']);
  assert.deepEqual(ids(lay(all, { order: 'slow' })).sort(), ['c2', 'c3']);
});

test('what an attempt used is in no sum of the call, and in those above it', () => {
  const under = { parent: 's0', tries: [7, 1] };
  const all = rows(step('s0'), call('c1', { ...under, status: 'error', retried: true }), call('c2', { ...under, tries: [7, 2] }));
  const [above, row] = lay(all);
  assert.equal(sumCost(above.sum), '$1.00');
  assert.equal(row.sum, null);
});

test('attempts below different rows stand where they were made', () => {
  const all = rows(step('s0'), step('s1'), call('c1', { parent: 's0', tries: [7, 1], ...refused, retried: true }), call('c2', { parent: 's1', tries: [7, 2] }));
  assert.deepEqual(ids(lay(all)), ['s0', '.c1', 's1', '.c2']);
});

test('a strip has a cell a call, up to sixty, each with the worst that it stands for', () => {
  const cells = (list) => strip(list).match(/var\(--\w+\)/g).map((one) => one.slice(6, -1));
  assert.deepEqual(cells([call('a'), call('b', running), call('c', { attempts: [1] }), call('d', { status: 'cancelled' }), call('e', refused)]), ['ok', 'open', 'retried', 'stopped', 'err']);
  const long = cells(many(300, (id) => call(id, id === 'c150' ? refused : {})));
  assert.deepEqual([long.length, long.indexOf('err'), long.filter((one) => one === 'err').length], [60, 30, 1]);
});

test('20,000 rows of one caller are laid out as one', () => {
  const all = rows(...many(20000));
  assert.deepEqual(lay(all).map((entry) => entry.times), ['× 20,000']);
});
