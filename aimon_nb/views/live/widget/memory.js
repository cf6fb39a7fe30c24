// @ts-check
/** What the reader has chosen, in the page's own storage: by name, as JSON. No prompt goes there. */

/** What was remembered; null: nothing, or a frame without a storage. @param {string} name @returns {any} */
export function remembered(name) {
  try {
    return JSON.parse(localStorage.getItem(`aimon_nb ${name}`) ?? 'null');
  } catch {
    return null;
  }
}

/** @param {string} name @param {any} value null: forget it */
export function remember(name, value) {
  try {
    if (value == null) localStorage.removeItem(`aimon_nb ${name}`);
    else localStorage.setItem(`aimon_nb ${name}`, JSON.stringify(value));
  } catch {
    // it holds as long as the page
  }
}
