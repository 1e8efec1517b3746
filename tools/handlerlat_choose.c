// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * From the words of the command line to the files and functions that are probed.
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "proc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add_target(struct tfile *t, pid_t pid)
{
	int err;

	if (probe_has(t->dev, t->ino)) {
		/* The same program twice: one set of probes serves both, for every process. */
		for (size_t i = 0; i < probe_nfiles; i++) {
			if (probe_files[i].t->dev == t->dev && probe_files[i].t->ino == t->ino)
				probe_files[i].pid = 0;
		}
		target_free(t);
		return 0;
	}
	err = probe_add(t, pid);
	if (err)
		target_free(t);
	return err;
}

int choose_process(pid_t pid, void *ctx)
{
	char path[64], name[4096];
	bool *none = ctx;
	struct tfile *t;
	struct stat st;
	int err;

	if (pid == getpid() || proc_exe_path(pid, path, sizeof(path)) || stat(path, &st))
		return 0;
	if (probe_has(st.st_dev, st.st_ino)) {
		frames_remember(pid);
		return 0;
	}
	proc_exe_name(pid, name, sizeof(name));
	err = target_known(&t, path, name);
	if (err == -ENOTSUP)
		log_info("pid %d: %s", pid, fail_text(err));
	if (err) {
		/* A process that has gone meanwhile says nothing about its program. */
		if (none)
			*none = !stat(path, &st);
		return 0;
	}
	frames_remember(pid);
	log_info("pid %d: %s (%s)", pid, t->funcs[0].name, name);
	return add_target(t, 0);
}

/* The known entry of a process whose function was not named. */
static int known_of_pid(struct tfile **t, pid_t pid)
{
	char path[64], name[4096];
	int err = proc_exe_path(pid, path, sizeof(path));

	/* What is wrong with the process itself, target_pid() says best. */
	if (err || proc_state(pid) < 0 || proc_state(pid) == 'Z')
		return target_pid(t, pid, NULL, 0);
	proc_exe_name(pid, name, sizeof(name));
	err = target_known(t, path, name);
	if (err == -ENOENT)
		return fail(err,
			    "pid %d (%s) has no known server entry: name a function, as in: "
			    "handlerlat -p %d FUNCTION",
			    pid, name, pid);
	return err;
}

static int add_pids(const char *const *patterns, size_t n)
{
	struct tfile *t;
	int err = 0;
	bool lib = n > 1 && strstr(patterns[0], ".so");

	for (size_t i = 0; i < std.pids.n && !err; i++) {
		pid_t pid = atoi(std.pids.v[i]);

		if (!n)
			err = known_of_pid(&t, pid);
		else if (lib)
			err = target_library(&t, pid, patterns[0], patterns + 1, n - 1);
		else
			err = target_pid(&t, pid, patterns, n);
		if (err)
			break;
		frames_remember(pid);
		err = add_target(t, std.pids.n == 1 ? pid : 0);
	}
	return err;
}

static int remember_if_same(pid_t pid, void *ctx)
{
	char path[64];
	struct stat st;

	if (!proc_exe_path(pid, path, sizeof(path)) && !stat(path, &st) &&
	    probe_has(st.st_dev, st.st_ino)) {
		frames_remember(pid);
		(*(size_t *)ctx)++;
	}
	return 0;
}

/* A word with no function behind it: the known entry of that file. */
static int known_of_file(struct tfile **t, const char *word)
{
	int err = target_known(t, word, word);

	if (err == -ENOENT && strchr(word, '/'))
		return fail(err,
			    "%s has no known server entry: name a function, as in: "
			    "handlerlat %s FUNCTION",
			    word, word);
	return err;
}

static int add_word(const struct opt_words *w)
{
	struct tfile *t;
	size_t running = 0;
	int err = -ENOENT;

	if (w->nargs == 1 && strchr(w->args[0], '/') && !access(w->args[0], R_OK))
		err = known_of_file(&t, w->args[0]);
	else
		err = target_name(&t, w->args[0], (const char *const *)w->args + 1, w->nargs - 1);

	err = err ?: add_target(t, 0);
	if (err)
		return err;
	if (!set.list)
		proc_each(remember_if_same, &running);
	if (!set.list && !running && !strstr(w->args[0], ".so"))
		log_info("no process runs %s yet; waiting", w->args[0]);
	return 0;
}

static int add_command(const struct opt_words *w)
{
	struct tfile *t;
	int err;

	if (!w->nargs && strchr(w->cmd[0], '/') && !access(w->cmd[0], R_OK))
		err = known_of_file(&t, w->cmd[0]);
	else
		err = target_name(&t, w->cmd[0], (const char *const *)w->args, w->nargs);
	return err ?: add_target(t, 0);
}

int choose_targets(const struct opt_words *w, bool *watching)
{
	int err;

	if (w->ncmd)
		return add_command(w);
	if (std.pids.n)
		return add_pids((const char *const *)w->args, w->nargs);
	if (w->nargs)
		return add_word(w);
	*watching = true;
	err = proc_each(choose_process, NULL);
	if (!err && !probe_nfiles)
		log_info("no running process has a known server entry (Go net/http, gRPC, a "
			 "fasthttp "
			 "router); waiting for one. Name one: handlerlat -p PID FUNCTION");
	return err;
}
