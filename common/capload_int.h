/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CAPLOAD_INT_H
#define CAPLOAD_INT_H
/* What capload.c, which loads and attaches, and capload_counts.c share. */
#include "capload.h"

#define CAPLOAD_LINKS 64

struct bpf_link;

struct capload {
	const struct capload_tool *tool;
	struct capload_object o;
	enum cap_backend be;
	bool storage; /* socket storage, not a hash */
	bool twice; /* the second programs are attached */
	bool pages; /* what sendfile() sends can be read */
	struct bpf_link *links[CAPLOAD_LINKS];
};
extern struct capload capload;

/* Takes the second programs off: the first ones are not left out. */
void capload_once(void);
/* Ends the measurement, if it goes on. */
void capload_cost_end(void);
#endif
