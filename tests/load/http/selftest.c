// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* --self-test: all cases, all ways to send with all ways to receive, and that a mistake is seen. */
#include <fcntl.h>
#include <sys/wait.h>
#include "http.h"

static unsigned int ran, skipped, failed;
static const char *self;

/* Its exit status; what it says is thrown away, unless it is not the wanted one. */
static void expect(int want, const char *const *args)
{
	const char *argv[16] = {self, "--limit", "20"};
	int status, n = 3;
	pid_t pid;

	while (*args)
		argv[n++] = *args++;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		if (want)
			dup2(null, STDERR_FILENO);
		execv("/proc/self/exe", (char **)argv);
		_exit(99);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	ran++;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	skipped += status == 77;
	if (status == want || status == 77)
		return;
	failed++;
	printf("not ok:");
	for (int i = 3; i < n; i++)
		printf(" %s", argv[i]);
	printf(": status %d, not %d\n", status, want);
}
#define EXPECT(want, ...) expect(want, (const char *const[]){__VA_ARGS__, NULL})

static void all_cases(void)
{
	for (const struct http_case *c = cases; c->name; c++) {
		const char *hold = c->hold_ms ? "100" : "0";

		EXPECT(0, c->name, "--ms", "5", "--hold", hold);
		EXPECT(0, c->name, "--ms", "5", "--hold", hold, "--pair");
		if (c->flags & TOGETHER)
			continue;
		if (c->partner == ALONE)
			EXPECT(0, c->name, "--ms", "5", "--hold", hold, "--fork", "-6");
		if (c->partner == ALONE && !(c->flags & SAME_PORT))
			EXPECT(0, c->name, "--ms", "5", "--hold", hold, "--old", "--send", "mixed",
			       "--recv", "peek");
	}
}

static void all_hows(void)
{
	for (const struct send_how *s = send_hows; s->name; s++) {
		EXPECT(0, "echo", "--size", "300000", "-n", "1", "--send", s->name, "--recv",
		       "readv300");
		EXPECT(0, "chunked", "--unix", "@http-self-test", "--send", s->name);
		for (const struct recv_how *r = recv_hows; r->name; r++)
			EXPECT(0, "echo", "--send", s->name, "--recv", r->name);
	}
	for (const struct recv_how *r = recv_hows; r->name; r++) {
		EXPECT(0, "echo", "--size", "300000", "-n", "1", "--recv", r->name);
		EXPECT(0, "echo", "--mptcp", "--recv", r->name);
		EXPECT(1, "echo", "--spoil", "--recv", r->name);
	}
}

int self_test(const char *name)
{
	uint64_t start = now_ns();

	self = name;
	all_cases();
	all_hows();
	EXPECT(0, "echo", "--mptcp-server");
	EXPECT(0, "echo", "--netns", "--send", "fastopen");
	EXPECT(2, "no-such-case");
	EXPECT(2, "get", "--send", "no-such-way");
	EXPECT(0, "get", "--odd-comm", "--", "ignored", "too");
	printf("http: %u runs, %u skipped, %u failed, %.1f s\n", ran, skipped, failed,
	       (now_ns() - start) / 1e9);
	return failed ? 1 : 0;
}
