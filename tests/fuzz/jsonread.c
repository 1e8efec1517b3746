// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Hostile bytes as JSON: whatever is read can be written, and what was written reads as the same
 * kinds of values in the same places.
 */
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "jsonread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct json *j, const struct jsonread *r, const struct jval *v)
{
	char close = v->kind == JVAL_OBJECT ? '}' : ']';

	switch (v->kind) {
	case JVAL_NULL: json_null(j, v->key); return;
	case JVAL_BOOL: json_bool(j, v->key, v->b); return;
	case JVAL_NUM:
		if (v->whole)
			json_u64(j, v->key, v->u);
		else
			json_f64(j, v->key, v->num - v->num == 0 ? v->num : 0);
		return;
	case JVAL_STR: json_str(j, v->key, v->str); return;
	default: break;
	}
	json_open(j, v->key, close == '}' ? '{' : '[');
	for (const struct jval *m = jval_first(r, v); m; m = jval_next(r, m))
		put(j, r, m);
	json_close(j, close);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jsonread a, b;
	struct json j;

	json_init(&j);
	if (!jsonread(&a, (const char *)data, size)) {
		put(&j, &a, a.vals);
		json_text(&j);
		if (jsonread(&b, j.buf, j.len) || a.n != b.n)
			abort();
		for (size_t i = 0; i < a.n; i++) {
			if (a.vals[i].kind != b.vals[i].kind || a.vals[i].next != b.vals[i].next ||
			    a.vals[i].first != b.vals[i].first ||
			    (a.vals[i].whole && a.vals[i].u != b.vals[i].u))
				abort();
		}
		jsonread_free(&b);
	}
	jsonread_free(&a);
	json_free(&j);
	return 0;
}
