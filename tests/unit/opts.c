// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* opts_parse() as a tool calls it: it prints and exits, so each case is a child. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../common/opts.h"
#include "t.h"

static const char *const modes[] = {"auto", "perf", NULL};
static const char *mode = "auto";
static const struct opt rows[] = {
	{"mode", 'm', "MODE", OPT_ENUM, &mode, .help = "how", .choices = modes},
	{"pid", 'p', .flags = OPT_F_ALIAS},
	{.kind = OPT_END},
};
static struct opt_tool tool = {.name = "unitopts",
			       .args = "[WORD...]",
			       .summary = "test",
			       .opts = rows,
			       .intervals = true};

static char out[16384], err[4096];
static char dir[] = "/tmp/unit-opts-XXXXXX";

static void print_list(const char *name, char **v, size_t n)
{
	printf(" %s", name);
	for (size_t i = 0; i < n; i++)
		printf("%c%s", i ? ',' : '=', v[i]);
}

static void child(int argc, char **argv)
{
	struct opt_words w;

	opts_parse(&tool, argc, argv, &w);
	printf("d=%llu j=%d v=%d mode=%s", (unsigned long long)std.duration_ns, std.json,
	       std.verbose, mode);
	print_list("pids", std.pids.v, std.pids.n);
	print_list("args", w.args, w.nargs);
	print_list("cmd", w.cmd, w.ncmd);
	printf("%s\n", w.cmd && w.cmd[w.ncmd] ? " unterminated" : "");
	exit(0);
}

static void slurp(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = 0;
	close(fd);
}

/* Runs opts_parse() on the words of line, split at blanks. Returns the exit code. */
static int run(const char *line)
{
	int o = memfd_create("out", 0), e = memfd_create("err", 0), status;
	char *copy = strdup(line), *argv[32] = {"unitopts"};
	int argc = 1;

	for (char *s = strtok(copy, " "); s; s = strtok(NULL, " "))
		argv[argc++] = s;
	fflush(stdout);
	if (!fork()) {
		dup2(o, 1);
		dup2(e, 2);
		child(argc, argv);
	}
	wait(&status);
	slurp(o, out, sizeof(out));
	slurp(e, err, sizeof(err));
	free(copy);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void good(const char *line, const char *want)
{
	T_EQ(run(line), 0);
	T_STR(out, want);
	T_STR(err, "");
}

static void bad(const char *line, const char *want)
{
	T_EQ(run(line), 2);
	T_STR(out, "");
	T_STR(err, want);
}

static void words(void)
{
	good("", "d=0 j=0 v=0 mode=auto pids args cmd\n");
	good("a -d 5 b -jv c", "d=5000000000 j=1 v=1 mode=auto pids args=a,b,c cmd\n");
	good("a -j -- b -d 5x", "d=0 j=1 v=0 mode=auto pids args=a cmd=b,-d,5x\n");
	good("-j --", "d=0 j=1 v=0 mode=auto pids args cmd\n");
	good("-- -- a", "d=0 j=0 v=0 mode=auto pids args cmd=--,a\n");
	good("- --dur=7 -d8", "d=8000000000 j=0 v=0 mode=auto pids args=- cmd\n");
	good("-p 1,2 --pid=3 -P4 -mperf", "d=0 j=0 v=0 mode=perf pids=1,2,3,4 args cmd\n");
	good("--json --json=no", "d=0 j=0 v=0 mode=auto pids args cmd\n");
	setenv("POSIXLY_CORRECT", "1", 1);
	good("a -j", "d=0 j=1 v=0 mode=auto pids args=a cmd\n");
	unsetenv("POSIXLY_CORRECT");
}

#define TRY "; try 'unitopts --help'\n"
static void mistakes(void)
{
	bad("-d 5x", "unitopts: --duration: bad value '5x': give seconds above 0, up to "
		     "1000000000" TRY);
	bad("-m fast", "unitopts: --mode: bad value 'fast': give one of auto, perf" TRY);
	bad("--duratoin 5", "unitopts: unknown option '--duratoin' (did you mean --duration?)" TRY);
	bad("--usage", "unitopts: unknown option '--usage'" TRY);
	bad("--HANG", "unitopts: unknown option '--HANG'" TRY);
	bad("--program-name=x", "unitopts: unknown option '--program-name'" TRY);
	bad("-?", "unitopts: unknown option '-?'" TRY);
	bad("--backend x", "unitopts: unknown option '--backend'" TRY);
	bad("-d 1 word -jqv", "unitopts: unknown option '-q'" TRY);
	bad("-jq", "unitopts: unknown option '-q'" TRY);
	bad("--ver", "unitopts: ambiguous option '--ver': it may be --verbose --version" TRY);
	bad("-j -d", "unitopts: option -d needs a value: seconds above 0, up to 1000000000" TRY);
	bad("--mode", "unitopts: option --mode needs a value: one of auto, perf" TRY);
	bad("--help=x", "unitopts: option --help takes no value" TRY);
	bad("--=x", "unitopts: unknown option '--'" TRY);
	tool.args = NULL;
	bad("-j word", "unitopts: unexpected word 'word'" TRY);
	bad("-- word", "unitopts: unexpected word 'word'" TRY);
	tool.args = "[WORD...]";
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void sources(void)
{
	char line[256], want[512];

	write_file("unitopts.conf", "duration = 1\njson = yes\npid = 1,2\nmode = perf\n");
	good("", "d=1000000000 j=1 v=0 mode=perf pids=1,2 args cmd\n");
	write_file("near.conf", "duration = 2\npid = 3\npid = 4\n");
	snprintf(line, sizeof(line), "--config=%s/near.conf", dir);
	good(line, "d=2000000000 j=1 v=0 mode=perf pids=3,4 args cmd\n");
	setenv("UNITOPTS_PID", "5", 1);
	setenv("UNITOPTS_MODE", "auto", 1);
	good(line, "d=2000000000 j=1 v=0 mode=auto pids=5 args cmd\n");
	snprintf(line, sizeof(line), "-d 4 --json=no -p 6 --config %s/near.conf", dir);
	good(line, "d=4000000000 j=0 v=0 mode=auto pids=6 args cmd\n");

	setenv("UNITOPTS_MODE", "fast", 1);
	write_file("near.conf", "duration = 2\nduration = 3\n");
	snprintf(want, sizeof(want),
		 "unitopts: UNITOPTS_MODE: bad value 'fast': give one of auto, perf\n"
		 "unitopts: %s/near.conf:2: duration: given twice, first on line 1\n",
		 dir);
	bad(line, want);
	setenv("UNITOPTS_MODE", "perf", 1);
	snprintf(line, sizeof(line), "--config=%s/none.conf", dir);
	snprintf(want, sizeof(want),
		 "unitopts: %s/none.conf: cannot read the config file: No such file or directory\n",
		 dir);
	bad(line, want);
}

/* Which connections, from each source, and read back from what --print-config wrote. */
static void network(void)
{
	char line[256], want[512], first[sizeof(out)];

	tool.opts = NULL;
	tool.network = true;
	T_EQ(run("-4 -p 80,8000-8100 -p443 --local-port 1 --addr ::/0,10.0.0.0/8 --print-config"),
	     0);
	T_OK(strstr(out, "\nport = 80\nport = 8000-8100\nport = 443\n"));
	T_OK(strstr(out, "\nlocal-port = 1\n") && strstr(out, "\n#remote-port =\n"));
	T_OK(strstr(out, "\naddr = ::/0\naddr = 10.0.0.0/8\n"));
	T_OK(strstr(out, "\nipv4 = true\n") && strstr(out, "\n#ipv6 = false\n"));
	strcpy(first, out);
	write_file("near.conf", out);
	snprintf(line, sizeof(line), "--config=%s/near.conf --print-config", dir);
	T_EQ(run(line), 0);
	T_STR(out, first);

	bad("-4 -j6", "unitopts: --ipv6: not together with ipv4; neither means both" TRY);
	bad("-p 0", "unitopts: --port: bad value '0': give a port from 1 to 65535, or a range such "
		    "as 8000-8100" TRY);
	bad("-p", "unitopts: option -p needs a value: ports from 1 to 65535 or ranges such as "
		  "8000-8100, separated by commas" TRY);
	bad("--addr 10.0.0.1/8", "unitopts: --addr: bad value '10.0.0.1/8': it has bits beyond /8; "
				 "the network is 10.0.0.0/8" TRY);
	setenv("UNITOPTS_IPV4", "1", 1);
	snprintf(line, sizeof(line), "--config=%s/near.conf", dir);
	write_file("near.conf", "ipv6 = yes\n");
	good(line, "d=0 j=0 v=0 mode=auto pids args cmd\n");
	write_file("near.conf", "ipv6 = yes\nport = 1\nipv4 = yes\naddr = 10.1/16\n");
	unsetenv("UNITOPTS_IPV4");
	snprintf(want, sizeof(want),
		 "unitopts: %s/near.conf:3: ipv4: not together with ipv6; neither means both\n"
		 "unitopts: %s/near.conf:4: addr: bad value '10.1/16': give an IPv4 or IPv6 "
		 "address, or a network such as 10.0.0.0/8\n",
		 dir, dir);
	bad(line, want);
	tool.opts = rows;
	tool.network = false;
	bad("-4", "unitopts: unknown option '-4'" TRY);
}

static void actions(void)
{
	char line[256], want[512];

	write_file("unitopts.conf", "duration = 1\n");
	T_EQ(run("-j --check-config"), 0);
	T_STR(out, "configuration is valid\n");
	T_EQ(run("--print-config -j"), 0);
	T_OK(strstr(out, "\nduration = 1\n") && strstr(out, "\njson = true\n"));
	T_OK(strstr(out, "\npid = 5\n") && strstr(out, "\n#stay-root = false\n"));
	write_file("printed.conf", out);
	snprintf(line, sizeof(line), "--check-config --config=%s/printed.conf", dir);
	T_EQ(run(line), 0);
	T_STR(out, "configuration is valid\n");

	setenv("UNITOPTS_TYPO", "x", 1);
	T_EQ(run(""), 0);
	T_OK(strstr(err, "warning: UNITOPTS_TYPO: names no option"));
	write_file("unitopts.conf", "durations = 1\n");
	snprintf(want, sizeof(want),
		 "unitopts: UNITOPTS_TYPO: names no option that the environment may set\n"
		 "unitopts: %s/unitopts.conf:1: durations: unknown key (did you mean duration?)\n",
		 dir);
	bad("--check-config", want);
	unsetenv("UNITOPTS_TYPO");

	/* these ask nothing of the configuration */
	T_EQ(run("-h"), 0);
	T_OK(strstr(out, "Usage: unitopts [OPTION...] [WORD...]\n") == out);
	T_EQ(run("--version"), 0);
	T_STR(out, "unitopts (reqtools) " VERSION "\n");
	T_STR(err, "");
}

int main(void)
{
	char cmd[64];

	if (!mkdtemp(dir))
		return 99;
	opts_confdir = dir;
	words();
	mistakes();
	network();
	sources();
	actions();
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	if (system(cmd))
		return 99;
	return t_done();
}
