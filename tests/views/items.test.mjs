// Rows of the user's batch and what their calls add up to, without a page: node --test tests/views/items.test.mjs
import assert from 'node:assert/strict';
import test from 'node:test';

const widget = new URL('../../aimon_nb/views/live/widget/', import.meta.url);
const [{ byItem, inOrder, itemName, unpackItem }, { unpackRow }, { costOf }] = await Promise.all(['by_item.js', 'rows.js', 'models.js'].map((name) => import(new URL(name, widget))));

const items = (...list) => new Map(list.map(unpackItem).map((one) => [one.number, one]));
const call = (id, item, more = {}) => ({ ...unpackRow([id, null, 'model', 'label', 'gpt-4o', 'ok', 0, 1, true, '$0.5', false, 10, 1, 0.5, 'priced']), item, ...more });
const rows = (...list) => new Map(list.map((row) => [row.id, row]));
const refused = { status: 'error', error: 'E', usd: null, cost_state: null, input: null, output: null };

test('each item has the sums of its own calls; one without a call has a row, a step adds nothing, nor does a call of no item', () => {
  const [a, b, none] = byItem(items([1, 'a', 'ok'], [2, 'b', 'ok'], [3, 'c', 'ok']), rows(call('1', 1), call('2', 2), call('3', 2), call('s', 2, { counts: false }), call('x', null)));
  assert.deepEqual([a.calls, a.took, a.sum], [1, 1, { input: 10, output: 1, usd: 0.5, doubtful: 1 }]);
  assert.deepEqual([b.calls, b.took, b.sum.usd], [2, 2, 1]);
  assert.deepEqual([none.calls, none.took, none.sum.usd], [0, null, null]);
});

test('a call that failed for good has failed its item, one that was tried again has not, and what is unpriced makes a sum doubtful', () => {
  const list = byItem(items([1, 'a', 'ok'], [2, 'b', 'ok'], [3, 'c', 'ok']), rows(call('1', 1, refused), call('2', 2, { ...refused, retried: true }), call('3', 2), call('4', 3, { usd: null, cost_state: 'unpriced' })));
  assert.deepEqual(list.map(({ status, error }) => [status, error]), [['error', 'E'], ['ok', ''], ['ok', '']]);
  assert.deepEqual(list.map(({ sum }) => sum.doubtful), [0, 1, 4]);
});

test('what stands for no amount is the word of the tables: nothing is billed for a failed call, and no usage is not unpriced', () => {
  const cost = (...list) => costOf(byItem(items([1, 'a', 'ok']), rows(...list.map((more, at) => call(`${at}`, 1, { usd: null, ...more }))))[0].sum);
  const [free, gone, unpriced, runs] = [{ usd: 0, cost_state: 'free' }, { cost_state: 'no_usage' }, { cost_state: 'unpriced' }, { cost_state: null, status: 'running', dur: null }];
  assert.deepEqual([cost(refused), cost(free), cost(gone), cost(unpriced), cost(runs)], ['$0', 'free', 'no usage', 'unpriced', '']);
  assert.deepEqual([cost(refused, free), cost(gone, unpriced), cost(refused, gone), cost(refused, runs), cost(refused, { usd: 2, cost_state: 'priced' })], ['free', 'unpriced', 'no usage', '', '$2.00']);
  assert.deepEqual([cost(gone, { usd: 2, cost_state: 'priced' }), cost(runs, { usd: 2, cost_state: 'priced' })], ['≥ $2.00', '$2.00']);
});

test('attempts are retried once the last has ended well, as in the head and in the tables', () => {
  const tried = (id, item, group, attempt, more) => call(id, item, { tries: [group, attempt], ...more });
  const list = byItem(items([1, 'a', 'ok'], [2, 'b', 'ok']), rows(tried('1', 1, 7, 1, { ...refused, retried: true }), tried('2', 1, 7, 2), tried('3', 2, 8, 1, { ...refused, retried: true }), tried('4', 2, 8, 2, refused)));
  assert.deepEqual(list.map(({ status, calls, retried }) => [status, calls, retried]), [['ok', 2, 1], ['error', 2, 0]]);
});

test('calls that have no rows, for they are past the cap, are in the sums of their item', () => {
  const [a] = byItem(items([1, 'a', 'ok', null, null, [3, 1, 2, 30, 3, 1.5, 3]]), rows(call('1', 1)));
  assert.deepEqual([a.calls, a.retried, a.took, a.sum], [4, 1, 3, { input: 40, output: 4, usd: 2, doubtful: 3 }]);
});

test('while an item goes on its failed call is not its end', () => {
  assert.equal(byItem(items([1, 'a', 'running']), rows(call('1', 1, refused)))[0].status, 'running');
});

test('what failed comes first, then what was stopped, each as it began; else the largest', () => {
  const list = byItem(items([1, 'a', 'ok'], [2, 'b', 'abandoned'], [3, 'c', 'error'], [4, 'd', 'running'], [5, 'e', 'error']), rows(call('1', 1), call('4', 4, { usd: 2, dur: 0.1 })));
  const numbers = (order) => inOrder(list, order).map((one) => one.number).join('');
  assert.deepEqual(['', 'item', 'cost', 'time'].map(numbers), ['35214', '12345', '41235', '14235']);
});

test('a key that came before says so', () => {
  assert.deepEqual([[1, 'a', 'ok'], [2, 'a', 'ok', 2], [3, '', 'ok']].map(unpackItem).map(itemName), ['a', 'a (2)', '(empty)']);
});
