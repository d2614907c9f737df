// extract.mjs - makes the two files beside it of the whole specifications: what requests may hold, and nothing else.
//
//   node extract.mjs stripe-lists.openapi.json slack.json
import { readFileSync, writeFileSync } from 'node:fs';

const [stripe, slack] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const methods = ['auth.test', 'conversations.list', 'conversations.history', 'conversations.replies', 'conversations.open',
	'users.list', 'chat.postMessage'];
const bare = (schema) => Array.isArray(schema) ? schema.map(bare)
	: schema && typeof schema === 'object'
		? Object.fromEntries(Object.entries(schema).filter(([name, value]) => !(name === 'description' && typeof value === 'string') && name !== 'title')
			.map(([name, value]) => [name, bare(value)]))
		: schema;
const parameter = ({ name, in: where, required, schema, type, style }) =>
	({ name, in: where, ...(required ? { required } : {}), schema: bare(schema ?? { type }), ...(style === 'deepObject' ? { style } : {}) });
const operations = (path) => Object.fromEntries(Object.entries(path).map(([method, { parameters = [], consumes }]) =>
	[method, { ...(consumes ? { consumes } : {}), parameters: parameters.map(parameter) }]));
// One parameter a line, so that a change can be read.
const line = (value, indent) => `${indent}${JSON.stringify(value)}`;
const print = ({ of, paths }) => `{"of": ${JSON.stringify(of)},\n"paths": {\n${Object.entries(paths).map(([path, operations]) =>
	`${JSON.stringify(path)}: {${Object.entries(operations).map(([method, { consumes, parameters }]) =>
		`${JSON.stringify(method)}: {${consumes ? `"consumes": ${JSON.stringify(consumes)}, ` : ''}"parameters": [\n${
			parameters.map((one) => line(one, '\t')).join(',\n')}]}`).join(', ')}}`).join(',\n')}\n}}\n`;

writeFileSync(new URL('stripe.json', import.meta.url), print({ of: `Stripe API, ${stripe.info.version}`,
	paths: Object.fromEntries(Object.keys(stripe.paths).map((path) => [path, operations(stripe.paths[path])])) }));
writeFileSync(new URL('slack.json', import.meta.url), print({ of: `${slack.info.title}, ${slack.info.version}`,
	paths: Object.fromEntries(methods.map((name) => [`/${name}`, operations(slack.paths[`/${name}`])])) }));
