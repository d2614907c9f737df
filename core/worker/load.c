/* load.c - see load.h: dlopen, the ABI agreement, and the one place that reads a plugin's structs by their own sizes.
 *
 * The frozen prefix of struct sluice_connector is the only thing whose layout is taken for granted. Then the major
 * version must be ours, and each struct must reach at least the members without which it means nothing; anything
 * shorter or longer than ours is an older or newer minor version and is welcome: what it lacks reads as zero, the usual
 * choice. Awkward: a plugin can lie about its sizes and make us read past its end. That is its own address space and
 * its own crash. */
#include "worker/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

#define REACHES(type, member) (offsetof(struct type, member) + sizeof(((struct type *)0)->member))
#define PREFIX offsetof(struct sluice_connector, name)

/* The plugin's size of each struct, and up to which member it must reach. */
/* clang-format off */
static const struct {
	const char *name;
	size_t in_prefix; /* where in the connector's prefix */
	size_t in_abi;    /* where in struct abi */
	size_t least;     /* bytes */
} sizes[] = {
#define SIZE(part, last) \
	{"sluice_" #part, offsetof(struct sluice_connector, size_##part), offsetof(struct abi, part), REACHES(sluice_##part, last)}
	SIZE(connector, name),     SIZE(field, flags),   SIZE(model, fields),        SIZE(option, flags),
	SIZE(sync, fetch),         SIZE(action, call),   SIZE(rate, per_ms),         SIZE(request, endpoint),
	SIZE(response, len),       SIZE(page_request, endpoint), SIZE(page, count),  SIZE(map, from),
	SIZE(pair, value),
	{"sluice_oauth", offsetof(struct sluice_connector, size_oauth), offsetof(struct abi, oauth), 0},
	{"sluice_rate_group", offsetof(struct sluice_connector, size_rate_group), offsetof(struct abi, rate_group), 0},
	{"sluice_webhook", offsetof(struct sluice_connector, size_webhook), offsetof(struct abi, webhook), 0},
#undef SIZE
};
/* clang-format on */

int
plugin_accept(struct plugin *p, const struct sluice_connector *raw, struct err *err)
{
	const char *bytes = (const char *)raw;

	*p = (struct plugin){.raw = raw, .abi = {.major = raw->abi_major, .minor = raw->abi_minor}};
	if (raw->abi_major != SLUICE_ABI_MAJOR)
		return err_set(err, ERR_CONNECTOR,
		               "it was built for plugin ABI %u.%u, and this host speaks %u.%u: rebuild it with this "
		               "host's sluice.h",
		               raw->abi_major, raw->abi_minor, SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		uint16_t size;

		memcpy(&size, bytes + sizes[i].in_prefix, sizeof size);
		memcpy((char *)&p->abi + sizes[i].in_abi, &size, sizeof size);
		if (size < sizes[i].least)
			return err_set(err, ERR_CONNECTOR,
			               "its struct %s is truncated (%u bytes; at least %zu make sense): begin "
			               "sluice_connector with SLUICE_ABI and rebuild",
			               sizes[i].name, size, sizes[i].least);
	}
	memcpy(&p->connector, raw, p->abi.connector < sizeof p->connector ? p->abi.connector : sizeof p->connector);
	return 0;
}

int
plugin_load(struct plugin *p, int fd, struct err *err)
{
	char path[32];
	void *handle, *symbol;
	int again;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return err_set(err, ERR_CONNECTOR,
		               "the plugin's file may not be read by the worker's user (uid %u: %s): chmod a+r it",
		               (unsigned)getuid(), strerror(errno));
	close(again);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return err_set(err, ERR_CONNECTOR,
		               "it cannot be loaded: %s (only libc, libm and libcjson are there; link anything else "
		               "statically)",
		               dlerror());
	symbol = dlsym(handle, "sluice_connector");
	if (!symbol)
		return err_set(err, ERR_CONNECTOR,
		               "it does not export sluice_connector: declare it as SLUICE_EXPORT const struct "
		               "sluice_connector sluice_connector");
	return plugin_accept(p, symbol, err);
}

/* ---- elements ---- */

/* Copies element i of an array of structs of `stride` bytes; they begin with the pointer that ends the list when NULL.
 */
static bool
element(const void *array, size_t i, size_t stride, void *out, size_t size)
{
	const char *at = array;

	memset(out, 0, size);
	if (!at)
		return false;
	at += i * stride;
	memcpy(out, at, stride < size ? stride : size);
	if (*(const void *const *)out)
		return true;
	memset(out, 0, size);
	return false;
}

bool
plugin_option(const struct plugin *p, size_t i, struct sluice_option *out)
{
	return element(p->connector.options, i, p->abi.option, out, sizeof *out);
}

bool
plugin_dataset_option(const struct plugin *p, size_t i, struct sluice_option *out)
{
	return element(p->connector.dataset_options, i, p->abi.option, out, sizeof *out);
}

bool
plugin_model(const struct plugin *p, size_t i, struct sluice_model *out)
{
	return element(p->connector.models, i, p->abi.model, out, sizeof *out);
}

bool
plugin_sync(const struct plugin *p, size_t i, struct sluice_sync *out)
{
	return element(p->connector.syncs, i, p->abi.sync, out, sizeof *out);
}

bool
plugin_action(const struct plugin *p, size_t i, struct sluice_action *out)
{
	return element(p->connector.actions, i, p->abi.action, out, sizeof *out);
}

bool
plugin_field(const struct plugin *p, const struct sluice_field *array, size_t i, struct sluice_field *out)
{
	return element(array, i, p->abi.field, out, sizeof *out);
}

bool
plugin_pair(const struct plugin *p, const struct sluice_pair *array, size_t i, struct sluice_pair *out)
{
	return element(array, i, p->abi.pair, out, sizeof *out);
}

bool
plugin_map(const struct plugin *p, const struct sluice_map *array, size_t i, struct sluice_map *out)
{
	return element(array, i, p->abi.map, out, sizeof *out);
}

bool
plugin_rate_group(const struct plugin *p, const struct sluice_rate_group *array, size_t i, struct sluice_rate_group *out)
{
	bool told = p->abi.rate_group >= REACHES(sluice_rate_group, requests); /* else there were none when it was built */

	return element(told ? array : NULL, i, p->abi.rate_group, out, sizeof *out);
}

/* A plugin that does not say how long the struct is was built before there was one. */
bool
plugin_webhook(const struct plugin *p, size_t i, struct sluice_webhook *out)
{
	bool told = p->abi.webhook >= REACHES(sluice_webhook, handle);

	return element(told ? p->connector.webhooks : NULL, i, p->abi.webhook, out, sizeof *out);
}

/* ---- single structs ---- */

static void
copy_in(const void *in, size_t plugins, void *out, size_t ours)
{
	memset(out, 0, ours);
	if (in)
		memcpy(out, in, plugins < ours ? plugins : ours);
}

static void
copy_out(const void *from, size_t ours, void *plugins, size_t theirs)
{
	if (!plugins)
		return;
	memset(plugins, 0, theirs);
	memcpy(plugins, from, theirs < ours ? theirs : ours);
}

bool
plugin_dataset(const struct plugin *p, struct sluice_sync *out)
{
	copy_in(p->connector.dataset, p->abi.sync, out, sizeof *out);
	return p->connector.dataset != NULL;
}

bool
plugin_rate(const struct plugin *p, struct sluice_rate *out)
{
	copy_in(p->connector.rate, p->abi.rate, out, sizeof *out);
	return p->connector.rate != NULL;
}

/* A plugin that does not say how long the struct is was built before there was one: what stands at .oauth is no pointer
 * of ours. */
bool
plugin_oauth(const struct plugin *p, struct sluice_oauth *out)
{
	bool declared = p->connector.oauth && p->abi.oauth >= REACHES(sluice_oauth, token_url);

	copy_in(declared ? p->connector.oauth : NULL, p->abi.oauth, out, sizeof *out);
	return declared;
}

void
plugin_request(const struct plugin *p, const struct sluice_request *in, struct sluice_request *out)
{
	copy_in(in, p->abi.request, out, sizeof *out);
}

void
plugin_page_request(const struct plugin *p, const struct sluice_page_request *in, struct sluice_page_request *out)
{
	copy_in(in, p->abi.page_request, out, sizeof *out);
}

void
plugin_page_in(const struct plugin *p, const struct sluice_page *in, struct sluice_page *out)
{
	copy_in(in, p->abi.page, out, sizeof *out);
}

void
plugin_response_out(const struct plugin *p, const struct sluice_response *from, struct sluice_response *plugins)
{
	copy_out(from, sizeof *from, plugins, p->abi.response);
}

void
plugin_page_out(const struct plugin *p, const struct sluice_page *from, struct sluice_page *plugins)
{
	copy_out(from, sizeof *from, plugins, p->abi.page);
}
