// graphql.test.mjs - the connector graphql against a GraphQL server of others (graphql-yoga): 1 000 records by cursor, offset and
// page, three levels of lists, errors of the server's own making, partial data, and a cursor that does not move.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSchema, createYoga } from 'graphql-yoga';
import { GraphQLError } from 'graphql';

const build = process.env.BUILD, COUNT = 1000, PEOPLE = 25;
const companies = Array.from({ length: COUNT }, (_, i) => ({ id: `c${i}`, name: `Company ${i}`, updatedAt: `2026-01-01T00:00:00.${String(i).padStart(3, '0')}Z` }));
const people = (company) => (company.id === 'c7' || company.id === 'c999' ? Array.from({ length: PEOPLE }, (_, i) => ({ id: `${company.id}-p${i}`, company })) : []);
const page = (list, first, after) => {
	const from = after ? Number(Buffer.from(after, 'base64')) : 0, nodes = list.slice(from, from + first);
	return { nodes, edges: nodes.map((node, i) => ({ node, cursor: Buffer.from(String(from + i + 1)).toString('base64') })),
		pageInfo: { hasNextPage: from + first < list.length, endCursor: nodes.length ? Buffer.from(String(from + nodes.length)).toString('base64') : null } };
};
const schema = createSchema({
	typeDefs: `
		type PageInfo { hasNextPage: Boolean! endCursor: String }
		type Badge { name: String! }
		type Badges { nodes: [Badge!]! pageInfo: PageInfo! }
		type Person { id: ID! badges: Badges! }
		type People { nodes: [Person!]! pageInfo: PageInfo! }
		type Company { id: ID! name: String! updatedAt: String! secret: String people(first: Int, after: String): People! }
		type Edge { node: Company! cursor: String! }
		type Companies { edges: [Edge!]! nodes: [Company!]! pageInfo: PageInfo! }
		type Rows { rows: [Company!]! total: Int! }
		type Query {
			companies(first: Int!, after: String, since: String): Companies!
			stuck(first: Int!, after: String): Companies!
			company(id: ID!): Company
			offset(limit: Int!, offset: Int!): Rows!
			page(perPage: Int!, page: Int!): Rows!
		}`,
	resolvers: {
		Query: {
			companies: (_, a) => page(a.since ? companies.filter((c) => c.updatedAt > a.since) : companies, a.first, a.after),
			stuck: (_, a) => ({ ...page(companies, a.first), pageInfo: { hasNextPage: true, endCursor: 'same' } }),
			company: (_, a) => companies.find((c) => c.id === a.id),
			offset: (_, a) => ({ rows: companies.slice(a.offset, a.offset + a.limit), total: COUNT }),
			page: (_, a) => ({ rows: companies.slice((a.page - 1) * a.perPage, a.page * a.perPage), total: COUNT }),
		},
		Company: {
			people: (company, a) => page(people(company), a.first ?? 10, a.after),
			secret: (company) => { if (company.id === 'c3') throw new GraphQLError('not for you', { extensions: { code: 'FORBIDDEN' } }); return 's'; },
		},
		Person: { badges: (person) => page([{ name: `badge of ${person.id}` }], 10) },
	},
});

let server, dir, base;
before(async () => {
	server = createServer(createYoga({ schema, logging: false, landingPage: false }));
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	base = `http://127.0.0.1:${server.address().port}`;
});
after(() => { server.close(); server.closeAllConnections(); if (dir) rmSync(dir, { recursive: true, force: true }); });

// A store of its own with these datasets; `sluice` runs the program there.
function datasets(sections) {
	if (dir) rmSync(dir, { recursive: true, force: true });
	dir = mkdtempSync(join(tmpdir(), 'sluice-graphql-'));
	mkdirSync(join(dir, 'plugins'));
	copyFileSync(join(build, 'plugins/graphql.so'), join(dir, 'plugins/graphql.so'));
	writeFileSync(join(dir, 'sluice.ini'), `[host]
data_dir = ${dir}/store
plugin_dir = ${dir}/plugins
worker = ${build}/sluice-worker
[integration graphql]
base_url = ${base}
rate_limit = 10000/s
[connection acme : graphql]
${Object.entries(sections).map(([name, lines]) => `[dataset acme : graphql : ${name}]\n${lines}\n`).join('')}`);
}
const sluice = (...args) => new Promise((done) => execFile(join(build, 'sluice'), ['--conf', join(dir, 'sluice.ini'), ...args], { maxBuffer: 1 << 26 },
	(error, out, err) => done({ code: error ? error.code : 0, out, said: out + err })));
const records = async (name) => (await sluice('records', name, '--format', 'jsonl')).out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line).record);

test('a thousand records by cursor, by offset and by page', async () => {
	datasets({
		edges: 'query = query($first: Int!, $after: String) { companies(first: $first, after: $after) { edges { cursor node { id name } } pageInfo { hasNextPage endCursor } } }',
		nodes: 'query = query($limit: Int!, $cursor: String) { companies(first: $limit, after: $cursor) { nodes { id name } pageInfo { hasNextPage endCursor } } }\npage_size = 333',
		offset: 'query = query($limit: Int!, $offset: Int!) { offset(limit: $limit, offset: $offset) { rows { id name } total } }',
		page: 'query = query($perPage: Int!, $page: Int!) { page(perPage: $perPage, page: $page) { rows { id name } total } }',
	});
	const run = await sluice('run');
	assert.equal(run.code, 0, run.said);
	for (const name of ['edges', 'nodes', 'offset', 'page'])
		assert.deepEqual((await records(name)).map((r) => `${r.id} ${r.name}`).sort(), companies.map((c) => `${c.id} ${c.name}`).sort(), name);
	const again = await sluice('run', '--format', 'jsonl');
	assert.equal((again.out.match(/"unchanged":1000/g) ?? []).length, 4, again.said);
	assert.equal((await sluice('test-connection')).code, 0);
});

test('three levels of lists, the second to its end', async () => {
	const level = 'nodes { id badges { nodes { name } pageInfo { hasNextPage } } } pageInfo { hasNextPage endCursor }';
	datasets({ whole: `query = query($first: Int!, $after: String) { companies(first: $first, after: $after) { edges { node { id people(first: 10) { ${level} } } } pageInfo { hasNextPage endCursor } } }
nested = people
nested_query = query($id: ID!, $after: String) { company(id: $id) { people(first: 10, after: $after) { ${level} } } }
nested_data = company.people` });
	const run = await sluice('run');
	assert.equal(run.code, 0, run.said);
	const found = (await records('whole')).filter((r) => r.people.nodes.length);
	assert.deepEqual(found.map((r) => r.id).sort(), ['c7', 'c999']);
	for (const r of found) assert.deepEqual(r.people.nodes.map((p) => `${p.id} ${p.badges.nodes[0].name}`), people(r).map((p) => `${p.id} badge of ${p.id}`));
});

test('only what is new', async () => {
	datasets({ it: 'query = query($first: Int!, $after: String, $since: String) { companies(first: $first, after: $after, since: $since) { nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }\nkind = incremental\nsince = since updatedAt' });
	assert.equal((await sluice('run')).code, 0);
	companies.push({ id: 'new', name: 'x', updatedAt: '2026-01-02T00:00:00.000Z' });
	const run = await sluice('run', '--format', 'jsonl');
	companies.pop();
	assert.match(run.out, /"saved":1,"added":1/, run.said);
});

test('errors of the server are told in its words', async () => {
	datasets({ it: 'query = { companies(first: 10) { nodes { id nothing } pageInfo { hasNextPage } } }' });
	let run = await sluice('run');
	assert.notEqual(run.code, 0);
	assert.match(run.said, /Cannot query field .{1,3}nothing/);
	datasets({ it: 'query = query($first: Int!, $after: String) { stuck(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }' });
	run = await sluice('run');
	assert.equal(run.code, 1);
	assert.match(run.said, /leads to a page that was read before/);
});

test('partial data is kept and told, or refused where the section says so', async () => {
	const query = 'query = query($first: Int!, $after: String) { companies(first: $first, after: $after) { nodes { id secret } pageInfo { hasNextPage endCursor } } }';
	datasets({ kept: query, refused: `${query}\npartial = fail` });
	const run = await sluice('run');
	assert.equal((await records('kept')).length, COUNT, run.said);
	assert.match(run.said, /dataset kept: partial data: not for you \(FORBIDDEN\), at \[\\"companies\\",\\"nodes\\",3,\\"secret\\"\]/);
	assert.notEqual(run.code, 0);
	assert.equal((await sluice('records', 'refused', '--format', 'jsonl')).out, '');
});
