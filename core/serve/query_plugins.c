/* query_plugins.c - the question which plugins are in use: for whoever replaced one and waits until that is noticed. */
#include <stdlib.h>
#include <sys/stat.h>
#include "plugin/registry.h"
#include "serve/question.h"

static void
plugin_row(struct question *q, const char *name)
{
	struct plugin_file *f = host_plugin_look(q->host, name);
	uint64_t inode = 0;
	const char *trouble = host_plugin_trouble(q->host, name, &inode);
	struct json_out o = json_out(&q->row);
	struct stat st;

	json_open(&o, '{');
	json_kv_str(&o, "plugin", name);
	json_kv_str(&o, "version", f ? f->manifest->version : NULL);
	json_kv_bool(&o, "in_use", f != NULL);
	if (f && fstat(f->fd, &st) == 0)
		json_kv_int(&o, "inode", (int64_t)st.st_ino);
	json_kv_str(&o, "trouble", trouble);
	if (trouble)
		json_kv_int(&o, "trouble_inode", (int64_t)inode);
	json_close(&o, '}');
	question_row(q);
}

/* {"plugin":NAME}: only that one. Makes a host that watches look again, so that who asks once more gets what is there now. */
int
ask_plugins(struct question *q)
{
	char **names = host_plugins(q->host), *wanted = member_text(q->json, "plugin");

	host_plugins_refresh(q->host);
	for (size_t i = 0; names[i]; i++) {
		if (name_fits(wanted, names[i]))
			plugin_row(q, names[i]);
		free(names[i]);
	}
	free(names);
	free(wanted);
	json_kv_str(&q->end, "dir", q->settings->host.plugin_dir);
	json_kv_bool(&q->end, "watching", host_plugins_watched(q->host));
	return 0;
}
