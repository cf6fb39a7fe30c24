// @ts-check
/**
 * The pane below the tree: one span in detail.
 *
 * @typedef {import('./protocol.js').Detail} Item
 * @typedef {import('./protocol.js').Frame} Frame
 * @typedef {import('./store.js').Run} Run
 */
import { html } from './dom.js';
import { Facts } from './facts.js';
import { commas, visible } from './format.js';
import { Messages } from './messages.js';
import { Sent } from './sent.js';
import { TextBlock } from './text_block.js';

/** @param {{run: Run, row: import('./rows.js').Row, item: Item|undefined, acts: import('./copy.js').Acts, full: boolean, label: string}} props */
export const Detail = ({ run, row: { id, model, counts }, item, acts, full, label }) => {
  if (!item) return html`<div key=${`none ${id}`} class="dim" tabindex="0" role="group" aria-label=${label}>${run.missing}</div>`;
  return [
    html`<${Messages} key=${`messages ${id}`} run=${run} item=${item} acts=${acts} full=${full} label=${label} after=${html`<${Sent} item=${item} run=${run} />`}>
      ${item.error && html`<div class="failed"><${TextBlock} text=${item.error} what="error" form="" /></div>`}
      ${item.error && item.frames?.length > 0 && html`<${Traceback} frames=${item.frames} />`}
    <//>`,
    html`<div key=${`facts ${id}`} tabindex="0" role="group" aria-label=${`facts of ${label}`}><${Facts} item=${item} model=${model} />
      ${counts && item.raw != null && !!item.messages?.length && html`<div class="small">as sent: ${visible(item.raw)}</div>`}</div>`,
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
