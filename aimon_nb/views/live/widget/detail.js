// @ts-check
/**
 * The pane below the tree: one span in detail.
 *
 * @typedef {import('./protocol.js').Detail} Item
 * @typedef {import('./protocol.js').Frame} Frame
 */
import { html, Table } from './dom.js';
import { commas, visible } from './format.js';
import { Messages } from './messages.js';
import { TextBlock } from './text_block.js';

/** @param {{run: import('./store.js').Run, id: string, item: Item|undefined, full: boolean, label: string}} props */
export const Detail = ({ run, id, item, full, label }) => {
  if (!item) return html`<div key=${`none ${id}`} class="dim" tabindex="0" role="group" aria-label=${label}>${run.missing}</div>`;
  return [
    html`<${Messages} key=${`messages ${id}`} run=${run} item=${item} full=${full} label=${label}>
      ${item.error && html`<div class="failed"><${TextBlock} text=${item.error} what="error" /></div>`}
      ${item.error && item.frames?.length > 0 && html`<${Traceback} frames=${item.frames} />`}
    <//>`,
    html`<div key=${`facts ${id}`} tabindex="0" role="group" aria-label=${`facts of ${label}`}><${Facts} item=${item} /></div>`,
  ];
};

/** The way the error took, under the last place in the reader's own code. @param {{frames: Frame[]}} props */
const Traceback = ({ frames }) => {
  const own = frames.filter((frame) => !frame.library).at(-1) ?? frames[frames.length - 1];
  return html`<details class="trace">
    <summary>${commas(frames.length)} ${frames.length === 1 ? 'frame' : 'frames'} · ${visible(own.place)}</summary>
    ${frames.map(
      ({ place, code, library }) => html`<div class=${library ? 'dim' : ''}>
        <div class="small">${visible(place)}</div>
        <div class="text">${visible(code)}</div>
      </div>`,
    )}
  </details>`;
};

/** The cells of a table as text. @param {any[][]} lines */
const shown = (lines) => lines.map((cells) => cells.map((cell) => visible(String(cell ?? ''))));

/** Usage, the arithmetic of the cost, and facts. @param {{item: Item}} props */
const Facts = ({ item }) => {
  const { cost } = item,
    parts = cost?.parts ?? [],
    counted = parts.some((part) => part[1]);
  const sums = parts.map((part) => [part[0], part[2] ? `${part[1]} × ${part[2]}` : part[1], part[3]]);
  const notes = [cost && !parts.length ? cost.total : '', cost?.reason, [cost?.source, ...(cost?.assumptions ?? [])].filter(Boolean).join(' · ')];
  const folds = /** @type {[string, any[][]][]} */ ([
    ['parameters', item.parameters ?? []],
    ['more', [...(item.more ?? []), ...(item.attributes ?? [])]],
  ]);
  return html`
    ${!counted && item.usage?.length > 0 && html`<${Table} name="sum" label="tokens" lines=${shown(item.usage)} />`}
    ${cost && parts.length > 0 && html`<${Table} name="sum" label="cost" total=${true} lines=${shown([...sums, [cost.model, counted ? 'per 1M' : '', cost.total]])} />`}
    ${notes.filter(Boolean).map((text) => html`<div class="small">${visible(text ?? '')}</div>`)}
    ${item.facts?.length > 0 && html`<${Table} name="facts" label="facts" lines=${shown(item.facts)} />`}
    ${folds.map(([name, list]) => list.length > 0 && html`<details key=${name}><summary>${name}</summary><${Table} name="facts" label=${name} lines=${shown(list)} /></details>`)}
    ${item.tools?.length > 0 && html`<div class="small">${visible(`tools offered: ${item.tools.join(', ')}`)}</div>`}`;
};
