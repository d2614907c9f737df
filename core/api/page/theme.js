/* theme.js - light, dark, or as the system says; remembered by the browser, for it is a matter of the eyes and not of the key. */
const NAME = 'sluice-theme';
const next = { auto: 'light', light: 'dark', dark: 'auto' };
const texts = { auto: '◑ Auto', light: '○ Light', dark: '● Dark' };

function apply(theme) {
	const button = document.getElementById('theme');

	if (theme === 'auto')
		delete document.documentElement.dataset.theme;
	else
		document.documentElement.dataset.theme = theme;
	button.textContent = texts[theme];
	button.setAttribute('aria-label', `Colours: ${theme}. Change to ${next[theme]}`);
	button.onclick = () => {
		localStorage.setItem(NAME, next[theme]);
		apply(next[theme]);
	};
}

export function theme_begin() {
	const kept = localStorage.getItem(NAME);

	apply(next[kept] ? kept : 'auto');
}
