// The pure part of the view, without a page: node --test tests/views/tree.test.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const here = new URL('.', import.meta.url);
const widget = new URL('../../aimon_nb/views/live/widget/', here);
// What a page has and node has not.
const page = new EventTarget();
for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent']) globalThis[name] ??= page[name].bind(page);
globalThis.requestAnimationFrame ??= () => 0;
const load = (name) => import(new URL(name, widget));
const tree = Object.assign({}, ...await Promise.all(['format.js', 'groups.js', 'layout.js', 'rows.js', 'sums.js', 'window.js'].map(load))), { runs, runOf } = await load('store.js'), { default: made } = await load('main.js');
const formats = JSON.parse(readFileSync(new URL('formats.json', here)));

const row = (id, parent = null, more = {}) => ({
  id, parent, kind: 'other', name: id, label: '', status: 'ok', start: 0, dur: 1, tokens: null, cost: '',
  input: null, output: null, usd: null, cost_state: null, counts: false, error: null, retried: false, more: null, streaming: false, hidden: false, remark: null, advice: null, outcome: null, tries: null, own: -1, alike: -1, shape: -1, quiet: false, fails: false, parts: false, ...more,
});
const FIELDS = [...readFileSync(new URL('rows.js', widget), 'utf8').matchAll(/(\w+): v\[\d+\]/g)].map((m) => m[1]);
const pack = (one) => FIELDS.map((name) => one[name]);
const rows = (...list) => new Map(list.map((r) => [r.id, r]));
const ids = (laid) => laid.entries.map((e) => `${'.'.repeat(e.depth)}${e.id}`);

test('seconds, tokens and money read as they do in Python', () => {
  for (const [x, text] of formats.seconds) assert.equal(tree.seconds(x), text);
  for (const [a, b, text] of formats.tokens) assert.equal(tree.tokens(a, b), text);
  for (const [x, text] of formats.money) assert.equal(tree.money(x === null ? null : Number(x)), text);
});

test('a row is replaced by id and keeps its place', () => {
  const all = rows(row('a'), row('b'));
  tree.upsert(all, [row('a', null, { name: 'new' }), row('c'), null, {}]);
  assert.deepEqual([...all.keys()], ['a', 'b', 'c']);
  assert.equal(all.get('a').name, 'new');
});

test('children stand below their parent in the order they came', () => {
  const laid = tree.flatten(rows(row('a'), row('b'), row('a1', 'a'), row('a2', 'a'), row('x', 'a1')), new Set());
  assert.deepEqual(ids(laid), ['a', '.a1', '..x', '.a2', 'b']);
});

test('what began earlier stands above what was told earlier; at one start the order they came in holds', () => {
  const told = rows(row('late', null, { start: 2 }), row('first', null, { start: 1 }), row('b', null, { start: 2 }), row('more', null, { start: null }));
  assert.deepEqual(ids(tree.flatten(told, new Set())), ['first', 'late', 'b', 'more']);
});

test('a closed row hides what is below it', () => {
  const laid = tree.flatten(rows(row('a'), row('a1', 'a'), row('b')), new Set(['a']));
  assert.deepEqual(ids(laid), ['a', 'b']);
  assert.equal(laid.entries[0].open, false);
});

test('a row whose parent is unknown, hidden or itself hangs at the top', () => {
  const laid = tree.flatten(rows(row('a', 'gone'), row('h', null, { hidden: true }), row('b', 'h'), row('c', 'c')), new Set());
  assert.deepEqual(ids(laid), ['a', 'b', 'c']);
});

test('a chain of 20,000 rows is laid out without a stack overflow', () => {
  const all = new Map();
  for (let i = 0; i < 20000; i++) all.set(`${i}`, row(`${i}`, i ? `${i - 1}` : null));
  assert.equal(tree.flatten(all, new Set()).entries.length, 20000);
});

test('an error stands once, on the deepest row that has it, and takes a second line', () => {
  const laid = tree.flatten(rows(row('a', null, { error: 'E' }), row('b', 'a', { error: 'E' })), new Set());
  assert.deepEqual(laid.entries.map((e) => e.why), ['', 'E']);
  assert.deepEqual(laid.entries.map((e) => e.top), [0, 1]);
  assert.equal(laid.lines, 3);
});

test('a failed call whose request was sent again says so in place of its error, and is none of the errors', () => {
  const bad = { status: 'error', counts: true, outcome: '429', error: 'slow' };
  const again = tree.flatten(rows(row('a', null, { ...bad, retried: true }), row('b', null, { counts: true })), new Set());
  assert.equal(again.entries[0].label, '429, retried');
  assert.equal(again.entries[0].why, '');
  const other = tree.flatten(rows(row('a', null, bad), row('b', null, { counts: true })), new Set());
  assert.equal(other.entries[0].label, '429');
  assert.equal(other.entries[0].why, 'slow');
  const [models] = tree.byModel(rows(row('a', null, { ...bad, retried: true }), row('b', null, bad), row('c', null, { counts: true })));
  assert.deepEqual([models.calls, models.errors], [3, 1]);
});

test('the row of the calls past the cap counts as many in the table of models, and stands in no order of calls', () => {
  const more = row('r-more', null, { name: '180 more calls', counts: true, input: 10, output: 1, usd: 9, cost_state: 'priced', more: [180, 12] });
  const all = rows(row('a', null, { model: 'm', counts: true, input: 5, output: 1, usd: 1, cost_state: 'priced' }), more);
  assert.deepEqual(tree.byModel(all).map((m) => [m.model, m.calls, m.errors]), [['180 more calls', 180, 12], ['m', 1, 0]]);
  assert.deepEqual(ids(tree.flatten(all, new Set(), { order: 'dear' })), ['a']);
});

test('a step shows the sum of the calls below it; an unpriced one makes it a lower bound', () => {
  const call = (id, usd, state) => row(id, 'a', { counts: true, input: 10, output: 1, usd, cost_state: state });
  const sum = tree.flatten(rows(row('a'), call('b', 0.5, 'priced'), call('c', 0.25, 'priced')), new Set()).entries[0].sum;
  assert.equal(tree.sumCost(sum), '$0.7500');
  assert.equal(tree.tokens(sum.input, sum.output), '20 → 2');
  const partly = tree.flatten(rows(row('a'), call('b', 0.5, 'priced'), call('c', null, 'unpriced')), new Set()).entries[0].sum;
  assert.equal(tree.sumCost(partly), '≥ $0.5000');
  const refused = row('r', 'a', { counts: true, status: 'error' });
  assert.equal(tree.sumCost(tree.flatten(rows(row('a'), call('b', 0.5, 'priced'), refused), new Set()).entries[0].sum), '$0.5000');
  const none = tree.flatten(rows(row('a'), call('c', null, 'unpriced')), new Set()).entries[0].sum;
  assert.equal(tree.sumCost(none), '');
});

test('up to 400 rows all are drawn, above that only a window', () => {
  const many = (n) => tree.flatten(new Map(Array.from({ length: n }, (_, i) => [`${i}`, row(`${i}`)])), new Set()).entries;
  assert.deepEqual(tree.windowOf(many(400), 0, 288), [0, 400]);
  const [from, to] = tree.windowOf(many(10000), 24 * 5000, 288);
  assert.ok(from <= 5000 && to >= 5012 && to - from < 40, `${from}..${to}`);
  assert.equal(tree.windowOf(many(10000), 24 * 9988, 288)[1], 10000);
});

test('the keys of a treegrid', () => {
  const { entries } = tree.flatten(rows(row('a'), row('b', 'a'), row('c')), new Set());
  assert.deepEqual(tree.keyed('ArrowDown', entries, 0), { go: 1 });
  assert.deepEqual(tree.keyed('ArrowUp', entries, 0), { go: 0 });
  assert.deepEqual(tree.keyed('End', entries, 0), { go: 2 });
  assert.deepEqual(tree.keyed('ArrowRight', entries, 0), { go: 1 });
  assert.deepEqual(tree.keyed('ArrowLeft', entries, 1), { go: 0 });
  assert.deepEqual(tree.keyed('ArrowLeft', entries, 0), { toggle: 'a' });
  assert.deepEqual(tree.keyed('Enter', entries, 1), { choose: 'b' });
  assert.equal(tree.keyed('x', entries, 1), null);
});

test('control and direction characters are spelled out; emoji and plain text stay', () => {
  assert.equal(tree.visible('a\u202eb\u0007\u001b[31m'), 'a⟨U+202E⟩b␇␛[31m');
  assert.equal(tree.visible('👩‍🔬 naïve\n\tמה'), '👩‍🔬 naïve\n\tמה');
  assert.equal(tree.visible('\ud800x'), '⟨U+D800⟩x');
});

test('a long text is cut and says how much is left', () => {
  assert.deepEqual(tree.cut('abcdef', 4), { text: 'abcd', left: 2 });
  assert.deepEqual(tree.cut('abc', 4), { text: 'abc', left: 0 });
});

test('a long text is laid out in pieces that add up', () => {
  assert.deepEqual(tree.pieces('abcdefg', 3), ['abc', 'def', 'g']);
  assert.deepEqual(tree.pieces('ab\ncd\nef', 4), ['ab', 'cd', 'ef']);
  assert.equal(tree.pieces('x'.repeat(5e6)).join('').length, 5e6);
});

test('the time axis has round marks that fit', () => {
  assert.deepEqual(tree.axis(5).map((m) => m.text), ['0 s', '2 s', '4 s']);
  assert.deepEqual(tree.axis(0), []);
  for (const whole of [0.003, 0.9, 4.2, 61, 200, 9000]) assert.ok(tree.axis(whole).length <= 5);
});

test('messages of another run are not heard, and the page keeps one view a run', async () => {
  const model = (id) => {
    const heard = {};
    return { heard, get: (k) => (k === 'run_id' ? id : {}), on: (k, f) => (heard[k] = f) };
  };
  const one = model('r1'), two = model('r1');
  made().initialize({ model: one });
  made().initialize({ model: two });
  one.heard['msg:custom']({ k: 'rows', run_id: 'r1', header: { status: 'running', elapsed: 1 }, rows: [pack(row('a'))] });
  one.heard['msg:custom']({ k: 'rows', run_id: 'other', rows: [pack(row('z'))] });
  two.heard['msg:custom']({ k: 'details', run_id: 'r1', items: { a: { id: 'a' } } });
  assert.deepEqual([...runs.keys()], ['r1']);
  assert.deepEqual([...runs.get('r1').rows.keys()], ['a']);
  assert.ok(runs.get('r1').details.has('a'));
});

test('an old snapshot neither reopens a finished run nor a finished row', () => {
  const heard = {}, state = { run_id: 'r2', snapshot: {} };
  made().initialize({ model: { get: (k) => state[k], on: (k, f) => (heard[k] = f) } });
  heard['msg:custom']({ k: 'rows', run_id: 'r2', header: { status: 'ok', dur: 2 }, rows: [pack(row('a'))] });
  state.snapshot = { header: { status: 'running' }, rows: [pack(row('a', null, { status: 'running', dur: null })), pack(row('b'))], cut: 0 };
  heard['change:snapshot']();
  const view = runs.get('r2');
  assert.equal(view.header.status, 'ok');
  assert.equal(view.rows.get('a').status, 'ok');
  assert.ok(view.rows.has('b'));
});

test('a remark takes a second line below its row, where an error stands before it, and siblings of one remark are alike', () => {
  const laid = tree.flatten(rows(row('a', null, { remark: 'R' }), row('b', null, { remark: 'R', error: 'E', status: 'error' }), row('c')), new Set());
  assert.deepEqual(laid.entries.map((e) => [e.why, e.top]), [['R', 0], ['E', 2], ['', 4]]);
  const alike = Array.from({ length: 6 }, (_, i) => row(`r${i}`, null, { name: 'x', remark: i < 5 ? 'R' : null }));
  const [group, other] = tree.flatten(rows(...alike), new Set()).entries;
  assert.match(group.why, /^each p50 .* · R$/);
  assert.equal(other.id, 'r5');
});

test('what gives a price stands below the first row without one, and parts it from none of its like', () => {
  const [group, ...others] = tree.flatten(rows(...Array.from({ length: 6 }, (_, i) => row(`r${i}`, null, { name: 'x', advice: i ? null : 'A' }))), new Set()).entries;
  assert.match(group.why, /^each p50 .* · A$/);
  assert.equal(others.length, 0);
});

test('models are summed, the most expensive first', () => {
  const call = (id, model, usd) => row(id, null, { model, counts: true, input: 10, output: 1, usd, cost_state: usd == null ? 'unpriced' : 'priced' });
  const list = tree.byModel(rows(call('a', 'x', 0.1), call('b', 'y', 0.5), call('c', 'x', null), row('step')));
  assert.deepEqual(list.map((m) => [m.model, m.calls, tree.sumCost(m.sum)]), [['y', 1, '$0.5000'], ['x', 2, '≥ $0.1000']]);
});

test('models have the times of what was answered, and tokens a second of the calls that tell both', () => {
  const call = (id, more) => row(id, null, { model: 'x', counts: true, input: 10, output: 100, cost_state: 'priced', ...more });
  const list = rows(call('a', { dur: 1 }), call('b', { dur: 3, output: null }), call('c', { dur: 2, output: 200 }), call('d', { dur: 9, status: 'error' }), call('e', { dur: null, status: 'running' }),
    call('f', { model: 'y', dur: 5, output: null }), row('m', null, { name: '9 more', counts: true, more: [9, 0], dur: 100, output: 5 }));
  const by = Object.fromEntries(tree.byModel(list).map((one) => [one.model, [one.took, one.pace]]));
  assert.deepEqual(by, { x: [[1, 2, 3], 100], y: [[5], null], '9 more': [[], null] });
});

test('the speed of a stream is said once its first token is here', () => {
  const stream = (more) => row('s', null, { status: 'running', streaming: true, start: 1, ttft: 0.5, heard: 400, ...more });
  assert.equal(tree.speed(stream({}), 2.5), '≈ 100 tok/s');
  assert.equal(tree.speed(stream({ ttft: null }), 2.5), '');
  assert.equal(tree.speed(stream({ status: 'ok' }), 2.5), '');
});

test('a kernel that goes away takes its running runs with it, and no others', () => {
  let tell;
  const kernel = { iopubMessage: { connect: () => {} }, statusChanged: { connect: (f) => (tell = f) }, interrupt: () => {} };
  const heard = {}, begun = (id, its) => {
    made().initialize({ model: { get: (k) => (k === 'run_id' ? id : {}), on: (k, f) => k === 'msg:custom' && (heard[id] = f), widget_manager: { kernel: its } } });
    heard[id]({ k: 'rows', run_id: id, header: { status: 'running', elapsed: 1 }, rows: [] });
    return runs.get(id);
  };
  const mine = begun('k1', kernel), over = begun('k2', kernel), counting = begun('k3', kernel), others = begun('k4', { iopubMessage: kernel.iopubMessage });
  heard.k2({ k: 'rows', run_id: 'k2', header: { status: 'ok', dur: 2 }, rows: [] });
  heard.k3({ k: 'rows', run_id: 'k3', header: { status: 'ok', dur: 2, counting: true }, rows: [] });
  tell(kernel, 'busy');
  assert.equal(mine.header.status, 'running');
  tell(kernel, 'autorestarting');
  assert.deepEqual([mine, over, counting, others].map((run) => run.header.status), ['killed', 'ok', 'ok', 'running']);
  assert.ok(mine.now >= 1 && mine.header.dur === mine.now && !counting.header.counting);
});

test('one model tells of all runs of a kernel, and a place that asks for one gets it, now or when it is here', () => {
  const heard = {}, sent = [], shown = [], model = { get: (k) => ({ runs: ['old'] })[k], on: (k, f) => (heard[k] = f), send: (message) => sent.push(message) };
  const ask = (id) => dispatchEvent(new CustomEvent(`aimon_nb:${id}`, { cancelable: true, detail: [{ isConnected: true, id }, {}] }));
  const place = (id) => {
    const again = () => ask(id);
    if (again()) addEventListener(`aimon_nb:${id}!`, again, { once: true });
  };
  place('old');
  place('new');
  made().initialize({ model });
  const tell = (id, more) => heard['msg:custom']({ k: 'rows', run_id: id, header: { status: 'running', elapsed: 1 }, rows: [], ...more });
  assert.deepEqual(sent, [{ k: 'ask', run_id: 'old' }], 'what the kernel kept while the page was loaded is asked for when a place wants it');
  for (const id of ['old', 'new']) tell(id, { header: null });
  for (const run of runs.values()) run.show = (run, el) => shown.push([run.id, el.id]);
  for (const id of ['old', 'new']) tell(id);
  assert.deepEqual(shown, [['old', 'old'], ['new', 'new']]);
  assert.equal(ask('new'), false);
  assert.equal(ask('unknown'), true);
  heard['msg:custom']({ k: 'end', run_id: 'new', total: 3 });
  assert.deepEqual(sent.at(-1), { k: 'hello', run_id: 'new' }, 'rows were missed');
  heard.destroy();
  assert.equal(runs.get('new').send, null);
  // Another module, of a kernel that lives, tells of the run: this one lets it.
  dispatchEvent(new CustomEvent('aimon_nb:new!', { detail: {} }));
  assert.equal(ask('new'), true);
  assert.ok(!runs.has('new') && runs.has('old'));
});

test('the page takes in what the kernel tells, and asks what the kernel understands', () => {
  const [told, asked] = [...readFileSync(new URL('protocol.ts', here), 'utf8').matchAll(/^export const \w+: \w+\[\] = (.*);$/gm)].map((m) => JSON.parse(m[1]));
  const heard = {}, sent = [], model = { get: () => undefined, on: (k, f) => (heard[k] = f), send: (message) => sent.push(message) };
  made().initialize({ model });
  for (const message of told) heard['msg:custom'](message);
  const run = runs.get('agentic');
  assert.equal(run.header.name, 'summarise');
  assert.deepEqual([run.rows.size, run.details.get('c5').messages.at(-1).text.endsWith(' and more')], [11, true]);
  assert.ok(runs.get('failed').details.size > 0);
  run.request('c1');
  for (const question of [{ k: 'raw', id: 'c2' }, { k: 'media', id: 'c2', media: '1.0' }]) assert.equal(run.answerTo(question), undefined);
  assert.equal(run.answerTo({ k: 'raw', id: 'c1' }).k, 'raw');
  for (const question of [{ k: 'code', id: 'c2', form: 'messages' }, { k: 'diff', id: 'c4', other: 'c1' }]) run.askAnew(question);
  assert.equal(run.answered({ k: 'code', id: 'c1', form: 'python' }).form, 'python');
  assert.equal(run.answered({ k: 'diff', id: 'c4', other: null }).chosen, 'c3');
  run.header = null;
  run.mount({}, {});
  run.receive({ k: 'end', run_id: 'agentic', total: -1 });
  const shape = (message) => [message.k, ...Object.keys(message)].sort().join();
  assert.deepEqual(new Set(sent.map(shape)), new Set(asked.map(shape)));
});

test('a question about a span is asked once; its answer stays in the page, with the bytes beside it', () => {
  const heard = {}, sent = [], bytes = new DataView(new ArrayBuffer(3)), model = { get: () => undefined, on: (k, f) => (heard[k] = f), send: (message) => sent.push(message) };
  made().initialize({ model });
  heard['msg:custom']({ k: 'rows', run_id: 'asked', header: { status: 'ok' }, rows: [] });
  const run = runs.get('asked'), question = { k: 'media', id: 'a', media: '0.1' };
  assert.equal(run.answerTo(question) ?? run.answerTo(question), undefined);
  assert.deepEqual(sent, [{ ...question, run_id: 'asked' }]);
  heard['msg:custom']({ ...question, run_id: 'asked', type: 'image/png', text: null, missing: '' }, [bytes]);
  assert.equal(run.answerTo(question).bytes, bytes);
  assert.equal(run.answerTo({ ...question, media: '0.2' }), undefined);
  assert.equal(sent.length, 2);
});

test('what may have changed is asked anew, and what was answered before is not taken for it', () => {
  const heard = {}, sent = [], model = { get: () => undefined, on: (k, f) => (heard[k] = f), send: (message) => sent.push(message) };
  made().initialize({ model });
  heard['msg:custom']({ k: 'rows', run_id: 'anew', header: { status: 'ok' }, rows: [] });
  const run = runs.get('anew'), question = { k: 'diff', id: 'a', other: null }, answer = { ...question, run_id: 'anew', missing: '' };
  run.askAnew(question);
  heard['msg:custom']({ ...answer, chosen: 'b' });
  assert.equal(run.answered(question).chosen, 'b');
  assert.equal(run.answered({ ...question, other: 'b' }), undefined);
  run.askAnew(question);
  assert.equal(run.answered(question), undefined);
  assert.equal(sent.length, 2);
  run.detach();
  run.askAnew(question);
  assert.equal(sent.length, 2, 'nobody is there to be asked');
});

test('a page that was loaded while the kernel is at work learns of its open runs; one that knows them lets that pass', async () => {
  const beacon = (await load('beacon.js')).default, told = [], listeners = [], styles = [];
  globalThis.document ??= {};
  Object.assign(document, { createElement: () => ({}), head: { append: (one) => styles.push(one) } });
  globalThis.toldByBeacon = told;
  const code = 'export default () => ({ initialize({ model }) { model.on("msg:custom", (message, buffers) => toldByBeacon.push([message, buffers])); } });';
  const { createObjectURL } = URL;
  URL.createObjectURL = () => `data:text/javascript,${encodeURIComponent(code)}`;
  const kernel = { iopubMessage: { connect: (hear) => listeners.push(hear) } };
  const state = { kernel: 'carrier', runs: ['known', 'fresh'] }, sent = {};
  const model = { get: (key) => state[key], on: (k, f) => (sent[k] = f), widget_manager: { kernel } };
  runOf('known', () => {});
  beacon.initialize({ model });
  const custom = (comm_id, content) => listeners[0](null, { header: { msg_type: 'comm_msg' }, content: { comm_id, data: { method: 'custom', content } }, buffers: ['b'] });
  custom('carrier', { k: 'rows', run_id: 'fresh', early: true });
  await sent['msg:custom']({ esm: code, css: 'x', snapshots: { known: { n: 1 }, fresh: { n: 2 } } });
  URL.createObjectURL = createObjectURL;
  custom('carrier', { k: 'rows', run_id: 'fresh' });
  custom('carrier', { k: 'rows', run_id: 'known' });
  custom('other', { k: 'rows', run_id: 'fresh' });
  assert.deepEqual(told, [
    [{ k: 'snapshot', run_id: 'fresh', snapshot: { n: 2 } }, undefined],
    [{ k: 'rows', run_id: 'fresh', early: true }, ['b']],
    [{ k: 'rows', run_id: 'fresh' }, ['b']],
  ]);
  assert.equal(styles.length, 1);
  state.runs = ['known'];
  beacon.initialize({ model });
  assert.equal(listeners.length, 1);
});

test('what a reader asks of a run of a busy kernel is asked when the kernel\'s own model is there; where another has come in its stead the run lets go', async () => {
  const beacon = (await load('beacon.js')).default, listeners = [], sent = {}, models = new Map(), asked = [], lost = [];
  globalThis.document ??= {};
  Object.assign(document, { createElement: () => ({}), head: { append: () => {} } });
  globalThis.madeByBeacon = {};
  const code = 'export default () => ({ initialize({ model }) { madeByBeacon.model = model; model.on("msg:custom", () => {}); model.on("destroy", () => madeByBeacon.lost()); } });';
  globalThis.madeByBeacon.lost = () => lost.push(1);
  const { createObjectURL } = URL;
  URL.createObjectURL = () => `data:text/javascript,${encodeURIComponent(code)}#${Math.random()}`;
  const manager = { kernel: { iopubMessage: { connect: (hear) => listeners.push(hear) } }, has_model: (id) => models.has(id), get_model: async (id) => models.get(id) };
  const state = { kernel: 'own', runs: ['reachable'] };
  beacon.initialize({ model: { get: (key) => state[key], on: (k, f) => (sent[k] = f), widget_manager: manager } });
  await sent['msg:custom']({ esm: code, css: 'x', snapshots: { reachable: { n: 1 } } });
  URL.createObjectURL = createObjectURL;
  const another = () => dispatchEvent(new CustomEvent('aimon_nb:reachable!'));
  madeByBeacon.model.send({ k: 'want' });
  await null;
  assert.deepEqual(asked, [], 'nobody is there to be asked');
  const closed = [];
  let done;
  const both = new Promise((resolve) => (done = resolve));
  models.set('own', { send: (message) => asked.push(message) === 2 && done(), on: (event, take) => event === 'destroy' && closed.push(take) });
  another();
  madeByBeacon.model.send({ k: 'hello' });
  await both;
  assert.deepEqual(asked, [{ k: 'want' }, { k: 'hello' }]);
  assert.deepEqual([closed.length, lost.length], [1, 0]);
  closed[0]();
  assert.equal(lost.length, 1);
  models.clear();
  another();
  assert.equal(lost.length, 2, 'another has come in its stead');
});
