// nango.test.mjs - the unchanged @nangohq/node client against a running host: what each method means, not only its status.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Nango } from '@nangohq/node';
import { sleep, stage, until } from './stage.mjs';

let s, nango, hooks, received = [];
const of = { providerConfigKey: 'close', connectionId: 'acme' };
const lead = { ...of, model: 'CloseLead' };
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

// The error code of a call that must fail, with its status.
async function refused(call) {
	try {
		await call;
	} catch (e) {
		assert.ok(e.response, `an answer of the host, not: ${e.message}`);
		assert.equal(typeof e.response.data?.error?.message ?? 'string', 'string');
		return `${e.response.status} ${e.response.data.error.code}`;
	}
	throw new Error('it was not refused');
}

async function everything(config) {
	const all = [];
	let cursor = null;
	do {
		const page = await nango.listRecords({ ...config, cursor });
		all.push(...page.records);
		cursor = page.next_cursor;
	} while (cursor);
	return all;
}

const status = async (sync, of = { key: 'close', id: 'acme' }) => (await nango.syncStatus(of.key, sync ? [sync] : '*', of.id)).syncs;
const settled = (sync, key = 'close', id = 'acme') =>
	until(`${sync} has run`, async () => (await status(sync, { key, id })).find((x) => x.finishedAt && x.status !== 'RUNNING'));

before(async () => {
	hooks = createServer((request, response) => {
		const parts = [];
		request.on('data', (p) => parts.push(p));
		request.on('end', () => {
			received.push({ body: Buffer.concat(parts).toString(), headers: request.headers });
			response.end();
		});
	});
	await new Promise((done) => hooks.listen(0, '127.0.0.1', done));
	s = await stage({ records: 60, ini: `
[connection down : act]
base_url = http://127.0.0.1:1
[connection plain : act]
base_url = \${provider}/plain
[webhook app]
url = http://127.0.0.1:${hooks.address().port}/
secret = whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
events = sync, sync.success, records.created
of = acme:close:CloseLead
` });
	nango = new Nango({ host: s.url, secretKey: s.keys.write });
	await settled('leads');
	await settled('customers', 'stripe');
	await settled('customers', 'stripe', 'beta');
});
after(() => { hooks?.close(); s?.finish(); });

// ---- keys

test('a wrong key is told so in the error shape', async () => {
	const wrong = new Nango({ host: s.url, secretKey: 'ffffffff-ffff-4fff-8fff-ffffffffffff' });
	assert.equal(await refused(wrong.listConnections()), '401 unknown_account');
	const answer = await s.fetch('/connections', { key: null });
	assert.equal(answer.status, 401);
	assert.equal((await answer.json()).error.code, 'missing_auth_header');
});

test('a read key reads and writes nothing', async () => {
	const reader = new Nango({ host: s.url, secretKey: s.keys.read });
	assert.ok((await reader.listRecords(lead)).records.length);
	assert.equal(await refused(reader.pauseSync('close', ['leads'], 'acme')), '403 forbidden');
	assert.equal(await refused(reader.setMetadata('stripe', 'acme', {})), '403 forbidden');
});

// ---- records

test('records carry their metadata to the letter', async () => {
	const { records } = await nango.listRecords({ ...lead, limit: 1 });
	const m = records[0]._nango_metadata;
	assert.equal(typeof records[0].id, 'string');
	assert.match(m.first_seen_at, STAMP);
	assert.match(m.last_modified_at, STAMP);
	assert.equal(m.last_action, 'ADDED');
	assert.equal(m.deleted_at, null);
	assert.equal(m.pruned_at, null);
	assert.equal(typeof m.cursor, 'string');
	assert.ok(m.cursor.length <= 1000);
});

test('pages of two give each record once and in order, also while a sync writes', async () => {
	const writing = nango.triggerSync('close', ['leads'], 'acme', { reset: true });
	const all = await everything({ ...lead, limit: 2 });
	await writing;
	const ids = all.map((r) => r.id);
	assert.equal(new Set(ids).size, ids.length);
	const whole = await everything({ ...lead, limit: 1000 });
	assert.deepEqual(ids, whole.map((r) => r.id));
	const stamps = whole.map((r) => r._nango_metadata.last_modified_at);
	assert.deepEqual(stamps, [...stamps].sort());
	await settled('leads');
});

test('the cursor of each record goes on behind it', async () => {
	const { records, next_cursor } = await nango.listRecords({ ...lead, limit: 5 });
	assert.equal(next_cursor, records[4]._nango_metadata.cursor);
	const rest = await nango.listRecords({ ...lead, limit: 1, cursor: records[2]._nango_metadata.cursor });
	assert.equal(rest.records[0].id, records[3].id);
});

test('filters, singly and combined', async () => {
	await s.control('mutate', 'api=close', 'kind=lead', 'change=3', 'drop=2', 'add=1');
	await nango.triggerSync('close', ['leads'], 'acme', { reset: true });
	await until('the changes have come', async () =>
		(await nango.listRecords({ ...lead, filter: 'deleted' })).records.length === 2);
	await settled('leads');
	const by = {};
	for (const filter of ['added', 'updated', 'deleted', 'added,updated', 'updated,deleted', 'added,deleted', 'added,updated,deleted'])
		by[filter] = new Set((await everything({ ...lead, filter, limit: 7 })).map((r) => r.id));
	const all = await everything(lead);
	assert.equal(by.updated.size, 3);
	assert.equal(by.deleted.size, 2);
	assert.equal(by.added.size, all.length - 5);
	assert.equal(by['added,updated'].size, all.length - 2);
	assert.equal(by['updated,deleted'].size, 5);
	assert.equal(by['added,deleted'].size, all.length - 3);
	assert.equal(by['added,updated,deleted'].size, all.length);
	const gone = (await nango.listRecords({ ...lead, filter: 'DELETED' })).records[0];
	assert.equal(gone._nango_metadata.last_action, 'DELETED');
	assert.match(gone._nango_metadata.deleted_at, STAMP);
	assert.ok(Object.keys(gone).length > 2, 'a deleted record keeps its last payload');
});

test('modified_after is inclusive', async () => {
	const all = await everything(lead);
	const at = all.at(-2)._nango_metadata.last_modified_at;
	const later = await everything({ ...lead, modifiedAfter: new Date(at.slice(0, 23) + 'Z').toISOString() });
	assert.ok(later.length >= 2 && later.length < all.length);
	assert.ok(later.every((r) => r._nango_metadata.last_modified_at.slice(0, 23) >= at.slice(0, 23)));
});

test('ids give these records and no others', async () => {
	const all = await everything(lead);
	const wanted = [all[0].id, all[3].id];
	const { records } = await nango.listRecords({ ...lead, ids: wanted });
	assert.deepEqual(records.map((r) => r.id).sort(), [...wanted].sort());
	assert.equal((await nango.listRecords({ ...lead, ids: [all[1].id] })).records.length, 1);
	assert.equal((await nango.listRecords({ ...lead, ids: ['not-there'] })).records.length, 0);
});

test('what records refuse, and how', async () => {
	assert.deepEqual((await nango.listRecords({ ...of, model: 'Nothing' })), { records: [], next_cursor: null });
	assert.equal(await refused(nango.listRecords({ ...lead, connectionId: 'nobody' })), '400 unknown_connection');
	assert.equal(await refused(nango.listRecords({ ...lead, cursor: 'nonsense' })), '400 invalid_cursor');
	assert.equal(await refused(nango.listRecords({ ...lead, limit: 0.5 })), '400 invalid_query_params');
	assert.equal(await refused(nango.listRecords({ ...lead, filter: 'changed' })), '400 invalid_query_params');
});

test('pruning empties payloads and moves no cursor', async () => {
	const before = await everything({ providerConfigKey: 'stripe', connectionId: 'beta', model: 'StripeCustomer' });
	const until = before[4]._nango_metadata.cursor;
	const config = { providerConfigKey: 'stripe', connectionId: 'beta', model: 'StripeCustomer', untilCursor: until };
	assert.deepEqual(await nango.pruneRecords({ ...config, limit: 3 }), { count: 3, has_more: true });
	assert.deepEqual(await nango.pruneRecords(config), { count: 2, has_more: false });
	const after = await everything({ providerConfigKey: 'stripe', connectionId: 'beta', model: 'StripeCustomer' });
	assert.deepEqual(after.map((r) => r._nango_metadata.cursor), before.map((r) => r._nango_metadata.cursor));
	assert.deepEqual(Object.keys(after[0]).sort(), ['_nango_metadata', 'id']);
	assert.match(after[0]._nango_metadata.pruned_at, STAMP);
	assert.ok(Object.keys(after[5]).length > 2);
	assert.equal(await refused(nango.pruneRecords({ ...config, connectionId: 'nobody' })), '400 unknown_connection');
});

// ---- syncs

test('status tells of each sync by name, and of all by *', async () => {
	const all = await status();
	assert.ok(all.length > 3);
	const [leads] = await status('leads');
	assert.equal(leads.name, 'leads');
	assert.equal(leads.connection_id, 'acme');
	assert.ok(['SUCCESS', 'RUNNING'].includes(leads.status));
	assert.equal(typeof leads.frequency, 'string');
	assert.ok(!leads.frequency.startsWith('every'));
	assert.ok(Date.parse(leads.nextScheduledSyncAt) > 0);
	assert.ok(leads.recordCount.CloseLead > 0);
	assert.equal(typeof leads.latestResult.CloseLead.added, 'number');
	assert.deepEqual(await status('nothing-like-it'), []);
	assert.equal(await refused(nango.syncStatus('close', '*', 'nobody')), '400 invalid_body');
});

test('pause holds a sync, start lets it go', async () => {
	await nango.pauseSync('close', ['contacts'], 'acme');
	await until('it is paused', async () => (await status('contacts'))[0].status === 'PAUSED');
	await nango.pauseSync('close', ['contacts'], 'acme');
	await nango.startSync('close', ['contacts'], 'acme');
	await until('it is not', async () => (await status('contacts'))[0].status !== 'PAUSED');
	assert.equal(await refused(nango.pauseSync('nothing', ['leads'], 'acme')), '400 unknown_provider_config');
});

test('trigger runs a sync now, and answers the same while it runs', async () => {
	await settled('leads');
	const before = (await status('leads'))[0].finishedAt;
	await nango.triggerSync('close', ['leads'], 'acme');
	await nango.triggerSync('close', ['leads'], 'acme');
	await until('it has run again', async () => (await status('leads'))[0].finishedAt !== before);
	await nango.triggerSync('close', [{ name: 'leads', variant: 'base' }], 'acme', 'full_refresh');
	await settled('leads');
	assert.equal(await refused(nango.triggerSync('close', ['nothing'], 'acme')), '400 no_syncs_found');
	assert.equal(await refused(nango.triggerSync('nothing', ['leads'], 'acme')), '400 unknown_provider_config');
});

test('a frequency of its own, and back', async () => {
	assert.deepEqual(await nango.updateSyncConnectionFrequency('close', 'users', 'acme', 'every 7 minutes'), { frequency: '7 minutes' });
	assert.match((await status('users'))[0].frequency, /^7 ?m/);
	const back = await nango.updateSyncConnectionFrequency('close', 'users', 'acme', null);
	assert.ok(back.frequency && !/^7 ?m/.test(back.frequency));
	assert.equal(await refused(nango.updateSyncConnectionFrequency('close', 'users', 'nobody', 'every hour')), '400 unknown_connection');
	assert.equal(await refused(nango.updateSyncConnectionFrequency('close', 'nothing', 'acme', 'every hour')), '400 unknown_sync');
	assert.equal(await refused(nango.updateSyncConnectionFrequency('close', 'users', 'acme', 'every now and then')), '400 invalid_body');
});

test('a variant of a sync has a schedule and records of its own, until it is deleted', async () => {
	await settled('users');
	const users = await everything({ ...of, model: 'CloseUser' });
	assert.ok(users.length);
	assert.deepEqual(await nango.listRecords({ ...of, model: 'CloseUser', variant: 'eu' }), { records: [], next_cursor: null });

	const name = { name: 'users', variant: 'eu' }, which = { provider_config_key: 'close', connection_id: 'acme', ...name };
	const made = await nango.createSyncVariant(which);
	assert.deepEqual([made.name, made.variant], ['users', 'eu']);
	const of_eu = async () => (await nango.syncStatus('close', [name], 'acme')).syncs[0];
	await until('it has run', async () => (await of_eu()).finishedAt);
	assert.equal((await of_eu()).id, made.id);
	assert.equal((await of_eu()).recordCount.CloseUser, users.length);
	assert.deepEqual((await everything({ ...of, model: 'CloseUser', variant: 'eu' })).map((r) => r.id).sort(), users.map((r) => r.id).sort());
	assert.deepEqual((await status('users::eu')).map((x) => x.variant), ['eu'], 'by name::variant');
	assert.deepEqual((await status('users')).map((x) => x.variant), ['base'], 'the bare name is the sync itself');
	assert.ok((await status()).some((x) => x.variant === 'eu'), 'and a star means all');

	await nango.pauseSync('close', [name], 'acme');
	assert.equal((await of_eu()).status, 'PAUSED');
	assert.notEqual((await status('users'))[0].status, 'PAUSED');
	await nango.startSync('close', ['users::eu'], 'acme');
	const before = (await of_eu()).finishedAt;
	await nango.triggerSync('close', [name], 'acme', { reset: true });
	await until('it has run again', async () => (await of_eu()).finishedAt !== before && (await of_eu()).status !== 'RUNNING');
	assert.deepEqual(await nango.updateSyncConnectionFrequency('close', name, 'acme', 'every 9 minutes'), { frequency: '9 minutes' });
	assert.match((await of_eu()).frequency, /^9 ?m/);
	assert.ok(!/^9 ?m/.test((await status('users'))[0].frequency));
	const cursor = (await everything({ ...of, model: 'CloseUser', variant: 'eu' }))[0]._nango_metadata.cursor;
	assert.deepEqual(await nango.pruneRecords({ ...of, model: 'CloseUser', variant: 'eu', untilCursor: cursor }), { count: 1, has_more: false });
	assert.ok((await everything({ ...of, model: 'CloseUser' })).every((r) => !r._nango_metadata.pruned_at), 'of one, not of the other');

	assert.equal(await refused(nango.createSyncVariant(which)), '400 sync_variant_already_exists');
	assert.equal(await refused(nango.createSyncVariant({ ...which, variant: 'base' })), '400 invalid_variant');
	assert.equal(await refused(nango.createSyncVariant({ ...which, name: 'nothing' })), '400 unknown_sync');
	assert.equal(await refused(nango.createSyncVariant({ ...which, connection_id: 'nobody' })), '400 unknown_connection');
	assert.deepEqual(await nango.deleteSyncVariant(which), { success: true });
	assert.equal(await refused(nango.deleteSyncVariant(which)), '404 not_found');
	assert.deepEqual(await status('users::eu'), []);
	assert.equal((await everything({ ...of, model: 'CloseUser', variant: 'eu' })).length, users.length, 'what it brought stays');
});

// ---- connections and metadata

test('connections: listed, searched, and one in full', async () => {
	const { connections } = await nango.listConnections();
	assert.ok(connections.some((c) => c.connection_id === 'acme' && c.provider_config_key === 'stripe'));
	assert.deepEqual((await nango.listConnections({ connectionId: 'beta' })).connections.map((c) => c.connection_id), ['beta']);
	assert.ok((await nango.listConnections({ integrationId: ['close'] })).connections.every((c) => c.provider_config_key === 'close'));
	const one = await nango.getConnection('stripe', 'acme');
	assert.equal(one.connection_id, 'acme');
	assert.deepEqual(one.metadata, { region: 'eu' });
	assert.ok(one.credentials.type);
	assert.equal(await refused(nango.getConnection('stripe', 'nobody')), '404 not_found');
	assert.equal(await refused(nango.getConnection('nothing', 'acme')), '400 unknown_provider_config');
});

test('metadata: set replaces, update merges', async () => {
	assert.equal((await nango.setMetadata('stripe', 'beta', { a: 1, b: { c: 2 } })).status, 201);
	assert.equal((await nango.updateMetadata('stripe', 'beta', { b: { d: 3 } })).status, 200);
	assert.deepEqual(await nango.getMetadata('stripe', 'beta'), { a: 1, b: { d: 3 } });
	await nango.setMetadata('stripe', ['acme', 'beta'], { only: true });
	assert.deepEqual(await nango.getMetadata('stripe', 'acme'), { only: true });
	assert.equal(await refused(nango.setMetadata('stripe', ['acme', 'nobody'], { x: 1 })), '404 unknown_connection');
	assert.deepEqual(await nango.getMetadata('stripe', 'acme'), { only: true }, 'all or nothing');
});

test('a connection is imported, listed, used, patched, and deleted', async () => {
	const answer = await s.fetch('/connections', { method: 'POST', key: s.keys.admin, headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ provider_config_key: 'stripe', connection_id: 'gamma/1|x@y', credentials: { type: 'API_KEY', api_key: 'sk_test_3' }, tags: { team: 'a' } }) });
	assert.equal(answer.status, 201, await answer.clone().text());
	const admin = new Nango({ host: s.url, secretKey: s.keys.admin });
	assert.equal((await admin.getConnection('stripe', 'gamma/1|x@y')).tags.team, 'a');
	assert.equal((await admin.listConnections({ tags: { team: 'a' } })).connections.length, 1);
	await settled('customers', 'stripe', 'gamma/1|x@y');
	assert.ok((await nango.listRecords({ providerConfigKey: 'stripe', connectionId: 'gamma/1|x@y', model: 'StripeCustomer' })).records.length);
	assert.deepEqual(await admin.patchConnection({ connectionId: 'gamma/1|x@y', provider_config_key: 'stripe' }, { tags: { team: 'b' } }), { success: true });
	assert.equal((await admin.getConnection('stripe', 'gamma/1|x@y')).tags.team, 'b');
	assert.equal((await admin.deleteConnection('stripe', 'gamma/1|x@y')).status, 200);
	assert.equal(await refused(admin.getConnection('stripe', 'gamma/1|x@y')), '404 not_found');
	assert.equal(await refused(admin.deleteConnection('stripe', 'gamma/1|x@y')), '400 unknown_connection');
	assert.equal(await refused(admin.deleteConnection('stripe', 'beta')), '409 defined_in_config');
});

test('integrations and what they can do', async () => {
	const { configs } = await nango.listIntegrations();
	assert.ok(configs.some((i) => i.unique_key === 'close' && i.provider === 'close'));
	assert.equal((await nango.getIntegration({ uniqueKey: 'close' })).data.unique_key, 'close');
	assert.equal(await refused(nango.getIntegration({ uniqueKey: 'nothing' })), '404 not_found');
	const config = await nango.getScriptsConfig();
	const act = config.find((c) => c.providerConfigKey === 'act');
	assert.ok(act.actions.some((a) => a.name === 'echo'));
	assert.ok(config.find((c) => c.providerConfigKey === 'close').syncs.some((x) => x.name === 'leads'));
	assert.ok(await nango.getScriptsConfig('openai'));
	assert.deepEqual(await nango.getEnvironmentVariables(), []);
	assert.ok(Array.isArray((await nango.listProviders({})).data));
});

test('what is not offered says so', async () => {
	assert.match(await refused(nango.createConnectSession({ end_user: { id: '1' }, allowed_integrations: ['close'] })), /^\d+ not_supported$/);
	assert.match(await refused(nango.createIntegration({ provider: 'x', unique_key: 'x' })), /^\d+ (defined_in_config|not_supported)$/);
});

// ---- actions

test('an action answers with its bare output', async () => {
	assert.deepEqual(await nango.triggerAction('act', 'acme', 'echo', { name: 'Ada' }), { name: 'Ada' });
});

test('actions fail with words and codes', async () => {
	assert.equal(await refused(nango.triggerAction('act', 'nobody', 'echo', {})), '400 unknown_connection');
	assert.match(await refused(nango.triggerAction('act', 'acme', 'nothing', {})), /^404 /);
	assert.match(await refused(nango.triggerAction('act', 'acme', 'echo', { name: 7 })), /^400 /);
	assert.match(await refused(nango.triggerAction('act', 'acme', 'fails', {})), /^(400|500|422) /);
});

test('an asynchronous action is fetched when it is done', async () => {
	const begun = await nango.triggerActionAsync('act', 'acme', 'echo', { name: 'Bob' });
	assert.match(begun.statusUrl, /^\/action\//);
	const output = await until('it has answered', async () => {
		try {
			return await nango.getAsyncActionResult(begun);
		} catch (e) {
			assert.equal(e.response.status, 404);
			return null;
		}
	});
	assert.deepEqual(output, { name: 'Bob' });
	assert.equal(await refused(nango.getAsyncActionResult({ id: '5f2b7b1e-9d3e-4c38-8a52-0f0a7d3f6b11' })), '404 not_found');
});

// ---- proxy

test('the proxy passes methods, query, headers, bodies and errors', async () => {
	const through = { providerConfigKey: 'act', connectionId: 'plain' };
	const list = await nango.get({ ...through, endpoint: '/cursor', params: { limit: '3' } });
	assert.equal(list.status, 200);
	assert.ok(JSON.stringify(list.data).length > 10);
	await s.control('faults', JSON.stringify({ route: 'POST /plain/echo', replies: [{ status: 418, headers: { 'X-Request-Id': 'r7' }, body: { teapot: true } }] }));
	try {
		await nango.post({ ...through, endpoint: '/echo', data: { a: 1 }, headers: { 'x-mine': 'yes' } });
		assert.fail('418 is an error');
	} catch (e) {
		assert.equal(e.response.status, 418);
		assert.deepEqual(e.response.data, { teapot: true });
	}
	const log = JSON.parse(await s.control('requests', 'log=1'));
	const seen = (log.log ?? log.requests ?? []).find((r) => r.method === 'POST' && r.target.startsWith('/plain/echo'));
	assert.equal(seen.headers['x-mine'] ?? seen.headers['X-Mine'], 'yes');
	assert.equal(await refused(nango.get({ providerConfigKey: 'nothing', connectionId: 'plain', endpoint: '/' })), '404 unknown_provider_config');
	assert.match(await refused(nango.get({ providerConfigKey: 'act', connectionId: 'nobody', endpoint: '/' })), /^400 /);
});

// ---- webhooks

test("the client's own function finds a webhook's signature right, and a forged one wrong", async () => {
	const hook = await until('a sync webhook has come', () => received.find((r) => JSON.parse(r.body).type === 'sync'));
	const body = JSON.parse(hook.body);
	assert.equal(body.from, 'nango');
	assert.equal(body.connectionId, 'acme');
	assert.equal(body.providerConfigKey, 'close');
	assert.equal(body.syncName, 'leads');
	assert.equal(body.model, 'CloseLead');
	assert.equal(body.success, true);
	assert.ok(body.responseResults.added > 0);
	assert.equal(nango.verifyIncomingWebhookRequest(hook.body, hook.headers), true);
	assert.equal(nango.verifyIncomingWebhookRequest(hook.body + ' ', hook.headers), false);
	assert.equal(nango.verifyIncomingWebhookRequest(hook.body, { ...hook.headers, 'x-nango-hmac-sha256': '0'.repeat(64) }), false);
	await sleep(0);
});
