/* key.js - the API key of this tab: kept in sessionStorage, so it goes with the tab; never in an address, never in a cookie.
 *
 * Its rights come from the host. What they do not allow is not offered; the host refuses it all the same. */
const NAME = 'sluice-key';
let told = null; /* {"name","rights","version"} of the host */

export function key_text() {
	return sessionStorage.getItem(NAME);
}

export function key_set(text) {
	sessionStorage.setItem(NAME, text);
}

export function key_told(answer) {
	told = answer;
}

export function key_about() {
	return told;
}

export function key_forget() {
	told = null;
	sessionStorage.removeItem(NAME);
}

export function key_may(right) {
	return Boolean(told && told.rights.includes(right));
}
