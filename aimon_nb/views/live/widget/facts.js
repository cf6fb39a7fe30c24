// @ts-check
/** What is known of a span beside its messages: settings, tokens, cost, facts, the tools offered. */
import { html, Table } from './dom.js';
import { commas, visible } from './format.js';
import { TextBlock } from './text_block.js';

/** @typedef {import('./protocol.js').Detail} Item */

const WORD = 40; // characters of a setting that stands beside the model
const LINES = 6; // of the description of a tool, shown at first

/** The cells of a table as text. @param {any[][]} lines */
export const shown = (lines) => lines.map((cells) => cells.map((cell) => visible(String(cell ?? ''))));

/** @param {{item: Item, model: string|null}} props */
export const Facts = ({ item, model }) => {
  const { cost } = item,
    parts = cost?.parts ?? [],
    counted = parts.some((part) => part[1]);
  const sums = parts.map((part) => [part[0], part[2] ? `${part[1]} × ${part[2]}` : part[1], part[3]]);
  const notes = [cost && !parts.length ? cost.total : '', cost?.reason, [cost?.source, ...(cost?.assumptions ?? [])].filter(Boolean).join(' · ')];
  const more = [...(item.more ?? []), ...(item.attributes ?? [])];
  return html`
    <${Settings} model=${model} parameters=${item.parameters ?? []} />
    ${!counted && item.usage?.length > 0 && html`<${Table} name="sum" label="tokens" lines=${shown(item.usage)} />`}
    ${cost && parts.length > 0 && html`<${Table} name="sum" label="cost" total=${true} lines=${shown([...sums, [cost.model, counted ? 'per 1M' : '', cost.total]])} />`}
    ${notes.filter(Boolean).map((text) => html`<div class="small">${visible(text ?? '')}</div>`)}
    ${item.facts?.length > 0 && html`<${Table} name="facts" label="facts" lines=${shown(item.facts)} />`}
    ${!!item.tools?.length && html`<${Tools} tools=${item.tools} />`}
    ${more.length > 0 && html`<details><summary>more</summary><${Table} name="facts" label="more" lines=${shown(more)} /></details>`}`;
};

/** The model, and beside it what the request set: words and numbers on a line, texts and JSON below. @param {{model: string|null, parameters: string[][]}} props */
const Settings = ({ model, parameters }) => {
  const isWord = (/** @type {string[]} */ [, value]) => value.length <= WORD && !/^[[{]|\n/.test(value);
  const words = parameters.filter(isWord),
    long = parameters.filter((one) => !isWord(one));
  if (!model && !parameters.length) return null;
  return html`<div class="settings">
    ${model && html`<strong>${visible(model)}</strong>`}
    ${words.map(([name, value]) => html`<span key=${name}><span class="dim">${visible(name)}</span> ${visible(value)}</span>`)}
    ${long.map(([name, value]) => html`<details key=${name}><summary>${visible(name)}</summary><${TextBlock} text=${value} what=${name} lines=${LINES} /></details>`)}
  </div>`;
};

/** The tools that were offered, each with what it takes. @param {{tools: import('./protocol.js').Tool[]}} props */
const Tools = ({ tools }) => html`<details class="tools-of">
  <summary>${commas(tools.length)} ${tools.length === 1 ? 'tool' : 'tools'} offered: ${visible(tools.map((tool) => tool.name).join(', '))}</summary>
  ${tools.map(
    ({ name, description, schema }) => html`<div class="call">
      <div class="text"><strong>${visible(name)}</strong></div>
      ${description && html`<${TextBlock} text=${description} what=${`the description of ${name}`} lines=${LINES} form="" />`}
      ${schema && html`<${TextBlock} text=${schema} what=${`the schema of ${name}`} />`}
    </div>`,
  )}
</details>`;
