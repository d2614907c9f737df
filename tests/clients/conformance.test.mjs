// conformance.test.mjs - every request that the connectors stripe and slack make is one that the provider's own specification knows:
// path, method, each parameter by name and type, what is required, the type of the body.
//
// The requests are those of real runs, read from the provider's journal. The specifications are extracts (specs/README.md). A validating
// proxy (Prism) was tried first: it refuses Slack's documented way of sending a token, for the specification wants it as a header of its own.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { stage, until } from './stage.mjs';

const spec = (name) => JSON.parse(readFileSync(new URL(`specs/${name}.json`, import.meta.url), 'utf8'));
const specs = { stripe: spec('stripe'), slack: spec('slack') };
const coercing = new Ajv({ strict: false, allErrors: true, coerceTypes: 'array' });
const exact = new Ajv({ strict: false, allErrors: true });

// a=1&b[c]=2 as {a: "1", b: {c: "2"}}; parameters that stand twice become lists.
function query(target) {
	const values = {};
	for (const [name, value] of new URL(target, 'http://x').searchParams) {
		const [, outer, inner] = /^([^[]+)(?:\[([^\]]*)\])?$/.exec(name) ?? [null, name];
		if (inner) values[outer] = { ...values[outer], [inner]: value };
		else values[outer] = outer in values ? [].concat(values[outer], value) : value;
	}
	return values;
}

const object = (parameters) => ({
	type: 'object', additionalProperties: false,
	properties: Object.fromEntries(parameters.map((one) => [one.name, one.style === 'deepObject' && one.schema.anyOf
		? { anyOf: one.schema.anyOf.map((way) => way.type === 'object' ? { ...way, additionalProperties: false } : way) } : one.schema])),
	required: parameters.filter((one) => one.required).map((one) => one.name),
});

// What is wrong with a request; nothing: it is as the specification has it.
function faults(name, { method, target, headers, body }) {
	const path = new URL(target, 'http://x').pathname.replace(/^\/(stripe|slack\/api)/, '');
	const operation = specs[name].paths[path]?.[method.toLowerCase()];
	if (!operation) return [`${method} ${path} is not in the specification`];
	if (!/^Bearer \S+$/.test(headers.authorization ?? '')) return ['no bearer token'];
	// The token is the Authorization header's affair (https://docs.slack.dev/authentication/tokens).
	const parameters = operation.parameters.filter((one) => one.name !== 'token');
	const wrong = [];
	const judge = (ajv, where, values) => {
		const check = ajv.compile(object(parameters.filter((one) => one.in === where)));
		if (!check(values)) wrong.push(...check.errors.map((error) => `${where} ${error.instancePath} ${error.message} ${error.params.additionalProperty ?? ''}`));
	};
	judge(coercing, 'query', query(target));
	if (method === 'POST') {
		const type = (headers['content-type'] ?? '').split(';')[0];
		if (!operation.consumes.includes(type)) wrong.push(`a body of type ${type}`);
		else judge(exact, 'formData', JSON.parse(body));
	}
	return wrong;
}

let s;
const log = async () => JSON.parse(await s.control('requests', 'log=1')).requests;
const of = (name, requests) => requests.filter((one) => one.target.startsWith(`/${name}/`));
const paths = (requests) => new Set(requests.map((one) => new URL(one.target, 'http://x').pathname.replace(/^\/(stripe|slack\/api)/, '')));

before(async () => {
	s = await stage({ records: 300, ini: `
[integration slack]
base_url = \${provider}/slack/api
rate_limit = 10000/s
[connection acme : slack]
token = xoxb-1
channels = ["*"]
threads = yes
` });
	const ran = (integration, n) => until(`${n} successful runs of ${integration}`, async () => {
		const { syncs } = await (await s.fetch(`/sync/status?syncs=*&provider_config_key=${integration}&connection_id=acme`)).json();
		return syncs.length && syncs.every((one) => one.status === 'SUCCESS');
	}, 60000);
	await ran('stripe');
	await ran('slack');
	// Once more, now that there is a last success; with a thread among the messages.
	const ts = `${Math.floor(Date.now() / 1000) - 600}.000100`;
	const reply = (match, messages) => s.control('faults', JSON.stringify({ match, do: 'reply', body: { ok: true, messages, has_more: false } }));
	await reply('GET /slack/api/conversations.history', [{ type: 'message', ts, thread_ts: ts, reply_count: 1, text: 'x' }]);
	await reply('GET /slack/api/conversations.replies', [{ type: 'message', ts, thread_ts: ts, text: 'x' }]);
	await s.control('faults', JSON.stringify({ match: 'POST /slack/api/conversations.open', do: 'reply', body: { ok: true, channel: { id: 'D0EXAMPLE01' } } }));
	await s.control('faults', JSON.stringify({ match: 'POST /slack/api/chat.postMessage', do: 'reply', body: { ok: true, channel: 'D0EXAMPLE01', ts } }));
	const trigger = (integration, syncs) => s.fetch('/sync/trigger', { method: 'POST', headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ provider_config_key: integration, connection_id: 'acme', syncs }) });
	assert.equal((await trigger('stripe', ['customers', 'subscriptions', 'payouts'])).status, 200);
	assert.equal((await trigger('slack', ['channel-messages'])).status, 200);
	await until('a thread was asked for', async () => [...paths(of('slack', await log()))].includes('/conversations.replies'), 60000);
	await until('a list was asked for since', async () => of('stripe', await log()).some((one) => /payouts.*created/.test(one.target)), 60000);
	const sent = await s.fetch('/action/trigger', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Connection-Id': 'acme', 'Provider-Config-Key': 'slack' },
		body: JSON.stringify({ action_name: 'send-message', input: { to: 'U0EXAMPLE01', text: 'hello', thread_ts: ts } }) });
	assert.equal(sent.status, 200, await sent.text());
	await s.sluice('test-connection', '--connection-id', 'acme', '--integration', 'slack');
});
after(() => s?.finish());

for (const [name, least] of [['stripe', 30], ['slack', 20]]) {
	test(`every request to ${name} is as its specification has it`, async () => {
		const requests = of(name, await log());
		assert.ok(requests.length >= least, `${requests.length} requests were made`);
		const wrong = requests.flatMap((one) => faults(name, one).map((fault) => `${one.method} ${one.target}: ${fault}`));
		assert.deepEqual([...new Set(wrong)], []);
	});
}

test('every list of the specification is asked for', async () => {
	const asked = paths(await log());
	for (const path of Object.keys(specs.stripe.paths).filter((one) => one !== '/v1/account')) assert.ok(asked.has(path), path);
	for (const path of Object.keys(specs.slack.paths)) assert.ok(asked.has(path), path);
});

test('what is not in the specification is found', () => {
	const get = (target) => ({ method: 'GET', target, headers: { authorization: 'Bearer x' } });
	const post = (body, type = 'application/json; charset=utf-8') =>
		({ method: 'POST', target: '/slack/api/chat.postMessage', headers: { authorization: 'Bearer x', 'content-type': type }, body: JSON.stringify(body) });
	for (const [name, request, reason] of [
		['stripe', get('/stripe/v1/customers?limit=many'), /limit must be integer/],
		['stripe', get('/stripe/v1/customers?limit=1&since=5'), /additional properties since/],
		['stripe', get('/stripe/v1/customers?created[after]=5'), /additional properties after/],
		['stripe', get('/stripe/v1/coffees'), /not in the specification/],
		['stripe', { ...get('/stripe/v1/customers'), headers: {} }, /no bearer token/],
		['slack', get('/slack/api/conversations.history?channel=C1&oldest=yesterday'), /oldest must be number/],
		['slack', get('/slack/api/users.list?page=2'), /additional properties page/],
		['slack', post({ text: 'to nobody' }), /required property 'channel'/],
		['slack', post({ channel: 'C1', text: 7 }), /text must be string/],
		['slack', post({ channel: 'C1' }, 'text/plain'), /a body of type text\/plain/],
	]) assert.match(faults(name, request).join('\n'), reason, request.target);
	assert.deepEqual(faults('stripe', get('/stripe/v1/customers?limit=100&created[gte]=5&starting_after=cus_1')), []);
	assert.deepEqual(faults('slack', post({ channel: 'C1', text: 'x' })), []);
});
