/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HANDLERLAT_MODEL_H
#define HANDLERLAT_MODEL_H
/* What the parts of the model share: the state that records make, and how each part adds to it. */
#include "handlerlat_parts.h"
#include "opts.h"

/* What one function, or one method and route of it, counted: at the last interval and now. */
struct series {
	uint32_t fn;
	char method[HL_METHOD + 1], route[HL_ROUTE + 1];
	bool is_route, changed;
	uint32_t running;
	struct hl_stats now, last;
};

extern struct model {
	char **names; /* of functions, by id */
	size_t nnames;
	struct series **series;
	size_t nseries;
	struct hl_state state;
	uint64_t first_ns, prev_ns; /* of the first state, of the last one */
	uint64_t prev_traced_ns;
	uint64_t returned_rows, unwound_rows, running_rows, shown, over_max;
	uint64_t below; /* a replay's calls that are faster than --slower */
	bool has_tables; /* the recording was made with -i */
	bool open; /* the last line of text is not blank */
	bool headed; /* the last header was that of single calls */
	uint64_t oldest_ns; /* how long the oldest running call has lasted */
} model;

/* Are single calls to be shown? */
static inline bool rows_wanted(void)
{
	return !aggregating() || set.slower_ns;
}

/* The name of a function id, "?" where no record gave one. Valid until the next record. */
const char *func_name(uint32_t fn);
/*
 * Copies a method's route (n bytes, not terminated when full) to dst (n + 1 bytes), without the
 * method that patterns of Go's mux may begin with: the row has it already.
 */
void copy_route(char *dst, const char *src, size_t n, const char *method);
/* How many calls of st returned. */
uint64_t returned_of(const struct hl_stats *st);
/* A call that ended; req: its request, or NULL. 0 or -errno with text. */
int model_call(const struct hl_call *c, const struct hl_request *req);
/* How the run stands: shows the tables that are due. 0 or -errno. */
int model_state(const struct hl_state *st);
#endif
