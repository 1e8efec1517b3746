/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HANDLERLAT_PARTS_H
#define HANDLERLAT_PARTS_H
/*
 * handlerlat's user half in parts:
 *   handlerlat.c         options, --list, main
 *   handlerlat_model.c   from records to state; with the next three all that a replay needs
 *   handlerlat_calls.c   rows of single calls
 *   handlerlat_tables.c  tables of intervals and totals
 *   handlerlat_account.c the closing account
 *   handlerlat_choose.c  from the command line's words to files and functions
 *   handlerlat_probe.c   which functions, and their probes
 *   handlerlat_frames.c  the calls that did not return
 *   handlerlat_counters.c what the kernel half counted
 *   handlerlat_command.c the command of "-- COMMAND"
 *   handlerlat_live.c    the kernel half's life: load, poll, stop
 *   handlerlat_guard.c   what a probe costs here, and --max-overhead
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "attach.h"
#include "filter.h"
#include "handlerlat.h"
#include "json.h"
#include "opts.h"
#include "target.h"

struct handlerlat_bpf;

struct settings {
	uint64_t slower_ns;
	bool hist;
	bool list;
	const char *exits; /* NULL: auto */
	double max_overhead; /* percent of one CPU; 0: no limit */
	uint64_t max_running, max_routes, ring_kib;
};
extern struct settings set;
static inline bool aggregating(void)
{
	return std.interval_ns || set.hist;
}

/* --- model */
int model_record(uint32_t type, const void *data, size_t len, void *ctx);
bool model_summary(struct json *j, char *text, size_t size, void *ctx);
void model_header(void);

/* --- probes */
struct probe_file {
	struct tfile *t;
	uint32_t first_fn; /* id of t->funcs[0] */
	pid_t pid; /* breakpoints in this process alone; 0: in each that maps the file */
	struct attach_set *entries, *exits, *returns;
};
/* Files known by now. */
extern struct probe_file *probe_files;
extern size_t probe_nfiles;
extern uint32_t probe_nfuncs; /* ids given out are 1 .. probe_nfuncs */

/* Takes over t and gives its functions ids. */
int probe_add(struct tfile *t, pid_t pid);
bool probe_has(uint64_t dev, uint64_t ino);
/* Puts the probes on, exits before entries, so that no call is seen to begin and not to end. */
int probe_attach(struct probe_file *f, struct handlerlat_bpf *skel, enum attach_backend be);
/* Takes them off: entries first, then waits for what is running, at most wait_ms, then exits. */
void probe_detach_all(struct handlerlat_bpf *skel, int wait_ms);
/* Tells the model about the functions of a file. */
int probe_announce(const struct probe_file *f);
/* Could any of the functions be an HTTP handler? */
bool probe_any_http(void);
/* Does the kernel single-step the instruction at the function's entry probe? */
bool probe_stepped(uint32_t fn);
/* Is any function seen to return by a return probe? */
bool probe_any_return(void);
/* Which file a function id belongs to; NULL for ids not given out. */
const struct probe_file *probe_of(uint32_t fn);
/* --- calls that did not return */
/* Is any call going on? */
bool frames_any(struct handlerlat_bpf *skel);
/* Opens what is needed to look at a process after privileges are gone. */
void frames_remember(pid_t pid);

/* What became of calls that have not returned, by function. */
struct leftovers {
	uint32_t *running;
	/*
	 * Unwound, still in the map: counted anew at each look, because the kernel half counts them
	 * itself when their frame is taken again.
	 */
	uint64_t *gone;
	uint64_t *swept; /* unwound, taken out of the map to make room: adds up */
};
/*
 * Looks at each call that began and did not end: its goroutine or thread is gone or stands above
 * the frame, so it was unwound; else it runs. report: feeds a record of each. sweep: takes those
 * that are gone out of the map.
 */
int frames_left(struct handlerlat_bpf *skel, bool report, struct leftovers *o, bool sweep);
/* Forgets all running calls (probes are off): counts them in cut[fn], if given. */
int frames_cut(struct handlerlat_bpf *skel, uint64_t *cut);

/* --- choosing */
/*
 * Adds the files and functions that the command line asks for. *watching: nothing was named, so
 * every running server with a known entry is taken, and new ones are to come through
 * choose_process().
 */
int choose_targets(const struct opt_words *w, bool *watching);
/*
 * Adds the program of a process if it has a known entry and is not there yet. ctx: NULL, or a bool
 * that is set when the program certainly has none. 0, or a reason to end.
 */
int choose_process(pid_t pid, void *ctx);

/* --- counters */
struct cost {
	uint64_t entry_ns, exit_ns; /* per call that is probed */
	uint64_t step_ns; /* more, where the kernel single-steps the instruction at the entry */
	uint64_t bias_ns; /* what a measured latency holds of it */
};
/* Before load: sizes the maps of counters for function ids below capacity. */
void counters_size(struct handlerlat_bpf *skel, uint32_t capacity);
/* After load. 0 or -ENOMEM. */
int counters_init(void);
/* Feeds a record for each function, and each route, that was active since the last time. */
int counters_feed(void);
/* Looks at the calls that have not returned, as frames_left(). */
int counters_look(bool report, bool sweep);
/* Forgets the running calls while the probes are off. How many, or -errno. */
int counters_cut(void);
/* ns of CPU that the probes have cost since the start. */
uint64_t counters_cost(const struct cost *c);
/*
 * What an entry costs on the average of the calls so far (of the functions, before there were
 * any).
 */
uint64_t counters_entry_cost(const struct cost *c);

/* --- the command of "-- COMMAND" */
extern pid_t command_pid; /* 0: there is none */
/* Forks the command and holds it back. It dies with us, however we die. */
int command_hold(char **cmd);
/*
 * Lets it run. Call while privileged: its memory is opened for the judgement of unfinished calls.
 */
int command_release(void);
/* Ends it, if it still runs, and says how it ended. */
void command_end(void);

/* --- live */
int live_run(struct opt_words *words);

/* --- guard */
/*
 * Attaches the tool's own programs to a dummy function in a child and times it, about 20 ms. kind:
 * as if it were a Go function, one that is an HTTP handler, or a C function with a return probe or
 * with probes on its RETs.
 */
enum guard_kind { GUARD_GO, GUARD_HTTP, GUARD_RETURN, GUARD_RET };
int guard_measure(struct handlerlat_bpf *skel, enum attach_backend be, enum guard_kind kind,
		  struct cost *c);
#endif
