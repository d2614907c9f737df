// openapi.test.mjs - the document at /openapi.json: right by a public linter, and true of what the host answers.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { stage, until } from './stage.mjs';

let s, document;
before(async () => {
	s = await stage({ records: 20 });
	document = await (await s.fetch('/openapi.json', { key: null })).json();
	await until('records have come', async () =>
		(await (await s.fetch('/records?model=CloseLead', { headers: { 'Connection-Id': 'acme', 'Provider-Config-Key': 'close' } })).json()).records?.length);
});
after(() => s?.finish());

test('a public linter finds no error in it', async () => {
	const file = join(s.dir, 'openapi.json');
	writeFileSync(file, JSON.stringify(document));
	const said = await new Promise((done) => execFile('node_modules/.bin/redocly', ['lint', '--extends=recommended', '--format=json', file],
		{ env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }, maxBuffer: 1 << 26 }, (error, out, err) => done({ out, err })));
	const { problems } = JSON.parse(said.out);
	assert.deepEqual(problems.filter((p) => p.severity === 'error').map((p) => `${p.ruleId}: ${p.message} ${p.location?.[0]?.pointer}`).slice(0, 20), []);
});

// Every GET that needs no more than what this host has.
const values = { connection: 'acme', integration: 'close', model: 'CloseLead', key: 'close', id: 'acme', uniqueKey: 'close', sync: 'leads' };
const headers = { 'Connection-Id': 'acme', 'Provider-Config-Key': 'close' };
const query = { model: 'CloseLead', provider_config_key: 'close', syncs: '*', connection: 'acme', integration: 'close', sync: 'leads' };

test('answers are as the document says', async (t) => {
	const ajv = new Ajv({ strict: false, allErrors: true });
	formats(ajv);
	ajv.addSchema(document, 'document');
	let checked = 0;
	for (const [path, operations] of Object.entries(document.paths)) {
		const operation = operations.get;
		if (!operation || /stream|live|wait|snapshot|export/.test(path) || path.startsWith('/proxy')) continue;
		const parameters = [...(operations.parameters ?? []), ...(operation.parameters ?? [])];
		const target = path.replace(/\{([^}]+)\}/g, (_, name) => encodeURIComponent(values[name.replace('*', '')] ?? '1'));
		const asked = parameters.filter((p) => p.in === 'query' && p.required).map((p) => `${p.name}=${encodeURIComponent(query[p.name] ?? '1')}`).join('&');
		await t.test(`GET ${path}`, async () => {
			const answer = await s.fetch(target + (asked ? `?${asked}` : ''), { key: s.keys.admin, headers });
			const said = operation.responses[answer.status] ?? operation.responses[`${String(answer.status)[0]}XX`] ?? operation.responses.default;
			assert.ok(said, `${answer.status} is not in the document`);
			const content = said.$ref ? document.components.responses[said.$ref.split('/').pop()].content : said.content;
			const type = (answer.headers.get('content-type') ?? '').split(';')[0];
			const text = await answer.text();
			if (!text) return;
			assert.ok(content?.[type], `${type} of ${answer.status} is not in the document`);
			if (type !== 'application/json' || !content[type].schema) return;
			const schema = JSON.parse(JSON.stringify(content[type].schema).replaceAll('"#/', '"document#/'));
			const valid = ajv.compile(schema);
			assert.ok(valid(JSON.parse(text)), `${JSON.stringify(valid.errors?.slice(0, 3))} in ${text.slice(0, 300)}`);
			checked++;
		});
	}
	assert.ok(checked > 15, `${checked} answers were checked`);
});
