/* json.c - what checking, hashing and splitting cost: microseconds per record and MB/s, on records of about 1 KB.
 *
 * Best of several rounds of CPU time, since the machine is rarely ours alone. Two kinds of records: plain ones, and
 * ones with escapes and characters over 0x7f in most strings. */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "table.h"

#define RECORDS 100 /* a page */
#define ROUNDS 7

static void
record_make(struct json_out *o, unsigned n, bool odd)
{
	static const char *const plain[] = {"Invoice for the third quarter, payable in thirty days", "open",
	                                    "https://api.example.com/v1/customers/cus_9s6XKzkNRiz8i3", "eu-central-1"};
	static const char *const strange[] = {"Größe \"M\"\nzweite Zeile", "offen", "C:\\Daten\\Übersicht",
	                                      "日本語のテキスト"};
	const char *const *words = odd ? strange : plain;
	char key[32], id[32];

	json_open(o, '{');
	snprintf(id, sizeof id, "rec_%012u", n * 7919u);
	json_kv_str(o, "id", id);
	json_kv_int(o, "created", 1700000000 + n);
	json_kv_bool(o, "active", n % 2);
	for (unsigned i = 0; i < 9; i++) {
		snprintf(key, sizeof key, "attribute_%u", i);
		json_kv_str(o, key, words[(n + i) % LENGTH(plain)]);
	}
	for (unsigned i = 0; i < 6; i++) {
		snprintf(key, sizeof key, "amount_%u", i);
		json_kv_int(o, key, (int64_t)n * 1000 + i);
	}
	for (unsigned i = 0; i < 2; i++) {
		json_key(o, i ? "billing_address" : "shipping_address");
		json_open(o, '{');
		json_kv_str(o, "street", words[0]);
		json_kv_str(o, "city", words[3]);
		json_key(o, "line2");
		json_put_null(o);
		json_close(o, '}');
	}
	json_key(o, "tags");
	json_open(o, '[');
	for (unsigned i = 0; i < 4; i++)
		json_put_str(o, words[i]);
	json_close(o, ']');
	json_close(o, '}');
}

static bool
count_item(void *arg, const struct json_item *item)
{
	*(unsigned *)arg += item->fault == NULL;
	return true;
}

static void
cost_print(const char *what, double seconds, size_t records, size_t bytes)
{
	row_print(&(struct row){what, seconds * 1e6 / (double)records, "us CPU each", 0, 0, seconds}, "%.0f MB/s",
	          (double)bytes / seconds / 1e6);
}

static void
measure(bool odd)
{
	struct buf page = {0}, one = {0};
	struct json_out o = json_out(&page);
	struct slice records[RECORDS];
	size_t at[RECORDS + 1] = {0};
	unsigned good = 0;
	double check = 1e18, scan = 1e18, split = 1e18;
	struct json_hash h, sum = {0};
	struct json_split how = {.each = count_item, .arg = &good};

	json_open(&o, '{');
	json_key(&o, "data");
	json_open(&o, '[');
	for (unsigned i = 0; i < RECORDS; i++) {
		struct json_out single = json_out(&one);
		record_make(&o, i, odd);
		record_make(&single, i, odd);
		at[i + 1] = one.len;
	}
	json_close(&o, ']');
	json_kv_bool(&o, "has_more", true);
	json_close(&o, '}');
	for (unsigned i = 0; i < RECORDS; i++)
		records[i] = slice_of(one.p + at[i], at[i + 1] - at[i]);

	for (int round = 0; round < ROUNDS; round++) {
		const int repeat = 100;
		double from = cpu_seconds(), now;
		for (int i = 0; i < RECORDS * repeat; i++)
			good += json_check(records[i % RECORDS], 0, NULL);
		now = cpu_seconds();
		check = now - from < check ? now - from : check;
		from = now;
		for (int i = 0; i < RECORDS * repeat; i++) {
			good += json_scan(records[i % RECORDS], 0, &(struct json_seed){1, 2}, &h, NULL);
			sum.low += h.low;
		}
		now = cpu_seconds();
		scan = now - from < scan ? now - from : scan;
		from = now;
		for (int i = 0; i < repeat; i++)
			good += json_split(buf_view(&page), "data", &how, NULL);
		now = cpu_seconds();
		split = now - from < split ? now - from : split;
	}
	printf("%s records of %zu bytes (%u cases, %016llx)\n", odd ? "odd" : "plain", one.len / RECORDS, good,
	       (unsigned long long)sum.low);
	cost_print("  check", check, RECORDS * 100, one.len * 100);
	cost_print("  check and hash", scan, RECORDS * 100, one.len * 100);
	cost_print("  split, a page of 100", split, RECORDS * 100, page.len * 100);
	buf_free(&page);
	buf_free(&one);
}

int
main(void)
{
	table_head("JSON");
	measure(false);
	measure(true);
	return 0;
}
