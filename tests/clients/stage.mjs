// stage.mjs - a scripted provider and a real `sluice serve` on loopback, for the checks beside it; both end with the process.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, writeFileSync, readFileSync, copyFileSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const build = process.env.BUILD;
const run = promisify(execFile);
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(what, condition, ms = 30000) {
	const end = Date.now() + ms;
	for (;;) {
		const value = await condition();
		if (value) return value;
		if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
		await sleep(50);
	}
}

export async function stage({ records = 40, ini = '', plugins = ['act'], env = {} } = {}) {
	const dir = mkdtempSync(join(tmpdir(), 'sluice-clients-'));
	const children = [];
	const start = (program, args, options = {}) => {
		const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
		child.said = '';
		child.stdout.on('data', (text) => { child.said += text; });
		child.stderr.on('data', (text) => { child.said += text; });
		children.push(child);
		return child;
	};
	const finish = () => {
		for (const child of children) child.kill('SIGKILL');
		if (!process.env.KEEP) rmSync(dir, { recursive: true, force: true });
	};
	process.on('exit', finish);

	start(join(build, 'sluice-provider'), ['--quiet', '--records', String(records), '--port-file', join(dir, 'port'), '--exit-with-parent']);
	await until('the provider listens', () => existsSync(join(dir, 'port')) && readFileSync(join(dir, 'port'), 'utf8').trim());
	const provider = `http://127.0.0.1:${readFileSync(join(dir, 'port'), 'utf8').trim()}`;

	mkdirSync(join(dir, 'plugins'));
	for (const name of ['stripe', 'close', 'slack']) copyFileSync(join(build, 'plugins', `${name}.so`), join(dir, 'plugins', `${name}.so`));
	for (const name of plugins) copyFileSync(join(build, 'tests/plugins', `${name}.so`), join(dir, 'plugins', `${name}.so`));
	const keys = { write: '5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b10', read: '0d6dd2a4-7a4f-4a39-a7f7-3a4f6c0b3d21', admin: '9b1b2f0e-3c8e-4a39-9f57-3b7b5b8c1d32', trigger: '1f6b8c3e-2d9a-4f4b-8f0a-6c2e8d7b5a43' };
	writeFileSync(join(dir, 'sluice.ini'), `[host]
data_dir = ${dir}/store
plugin_dir = ${dir}/plugins
worker = ${build}/sluice-worker
listen = 127.0.0.1:0
first_spread = 0s
${Object.entries(keys).map(([name, value]) => `[key ${name}]\nvalue = ${value}\nscope = ${name}\n`).join('')}
[integration stripe]
base_url = ${provider}/stripe
[integration close]
base_url = ${provider}/close
[integration act]
base_url = ${provider}
[connection acme : stripe]
token = sk_test_1
metadata.region = eu
[connection beta : stripe]
token = sk_test_2
[connection acme : close]
api_key = api_1
[connection acme : act]
${ini.replaceAll('${provider}', provider)}
`);
	const host = start(join(build, 'sluice'), ['--conf', join(dir, 'sluice.ini'), '--log-format', 'text', 'serve'], { env: { ...process.env, ...env } });
	const url = await until('the host listens', () => {
		if (host.exitCode !== null) throw new Error(`the host ended:\n${host.said}`);
		return /listens on (http:\/\/\S+)/.exec(host.said)?.[1];
	});
	return {
		dir, provider, url, keys, host, finish,
		control: async (...args) => (await run(join(build, 'sluice-provider'), ['--control', provider, ...args], { maxBuffer: 1 << 26 })).stdout,
		sluice: async (...args) => (await run(join(build, 'sluice'), ['--conf', join(dir, 'sluice.ini'), ...args], { maxBuffer: 1 << 26 })).stdout,
		fetch: (path, { key = keys.write, headers = {}, ...rest } = {}) =>
			fetch(url + path, { headers: { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...headers }, ...rest }),
	};
}
