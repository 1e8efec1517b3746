// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What does a probe cost on this machine? It differs by a factor of twenty between machines: an
 * instruction that the kernel cannot emulate is single-stepped, and under a hypervisor each step
 * may be an exit. So the very programs are attached to a dummy function of this binary, which a
 * child calls.
 */
#include "handlerlat_parts.h"
#include "elf.h"
#include "log.h"
#include "handlerlat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_CALLS 20
#define CALLS	   100
#define ROUNDS	   4 /* the quickest counts: the others met something else */

/* What the kernel half reads of a goroutine and, through its arguments, of a request. */
struct fake {
	uint64_t g[34]; /* runtime.g: stack.lo, stack.hi, ... goid */
	uint64_t request[40]; /* net/http.Request: Method 0, URL 16, Pattern 232 */
	uint64_t url[16]; /* net/url.URL: Path 56 */
	uint64_t response[20]; /* net/http.response: req 8, status 120 */
};

/*
 * Shaped as Go's compiler and C's make them: entered at an instruction that the kernel emulates
 * (push; on arm64 a branch), left by a RET. dummy_call(g, request, response) puts them where Go
 * keeps g and the arguments of func(w http.ResponseWriter, r *http.Request), and calls dummy().
 */
void dummy_call(const void *g, const void *request, const void *response);
extern const char dummy[], dummy_exit[];
#if defined(__x86_64__)
asm(".pushsection .text\n"
    ".globl dummy, dummy_exit, dummy_call\n"
    ".type dummy, @function\n"
    "dummy: push %rbp\n mov %rsp, %rbp\n pop %rbp\n"
    "dummy_exit: ret\n"
    ".size dummy, . - dummy\n"
    ".type dummy_call, @function\n"
    "dummy_call: push %r14\n push %rbx\n mov %rdi, %r14\n mov %rdx, %rbx\n mov %rsi, %rcx\n"
    " call dummy\n pop %rbx\n pop %r14\n ret\n"
    ".size dummy_call, . - dummy_call\n"
    ".popsection\n");
#elif defined(__aarch64__)
asm(".pushsection .text\n"
    ".globl dummy, dummy_exit, dummy_call\n"
    ".type dummy, @function\n"
    "dummy: b 1f\n 1: nop\n"
    "dummy_exit: ret\n"
    ".size dummy, . - dummy\n"
    ".type dummy_call, @function\n"
    "dummy_call: stp x29, x30, [sp, #-32]!\n str x28, [sp, #16]\n mov x28, x0\n mov x3, x1\n"
    " mov x1, x2\n mov x2, x3\n bl dummy\n"
    " ldr x28, [sp, #16]\n ldp x29, x30, [sp], #32\n ret\n"
    ".size dummy_call, . - dummy_call\n"
    ".popsection\n");
#endif

static void fill_fake(struct fake *f)
{
	static const char method[] = "GET", path[] = "/users/12345/orders";

	memset(f, 0, sizeof(*f));
	f->g[1] = (uintptr_t)f + 4096;
	f->request[0] = (uintptr_t)method;
	f->request[1] = strlen(method);
	f->request[2] = (uintptr_t)f->url;
	f->url[7] = (uintptr_t)path;
	f->url[8] = strlen(path);
	f->response[1] = (uintptr_t)f->request;
	f->response[15] = 200;
}

/* CPU time: on a busy machine the child would wait for its turn inside the measurement. */
static uint64_t cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t time_calls(const struct fake *f, int n)
{
	uint64_t t = cpu_now();

	for (int i = 0; i < n; i++)
		dummy_call(f->g, f->request, f->response);
	return (cpu_now() - t) / n;
}

/* The child: times calls whenever it is told to, until the pipe closes. */
static void __attribute__((noreturn)) child(int in, int out)
{
	uint64_t t, once;
	struct fake f;
	char c;

	fill_fake(&f);
	while (read(in, &c, 1) == 1) {
		t = time_calls(&f, WARM_CALLS);
		for (int i = 0; i < ROUNDS; i++) {
			once = time_calls(&f, CALLS);
			t = once < t || !i ? once : t;
		}
		if (write(out, &t, sizeof(t)) != sizeof(t))
			break;
	}
	_exit(0);
}

/* The child's ns per call, now. */
static int ask(int to, int from, uint64_t *ns)
{
	return write(to, "", 1) == 1 && read(from, ns, sizeof(*ns)) == sizeof(*ns) ? 0 : -EPIPE;
}

static int measure(struct handlerlat_bpf *skel, enum attach_backend be, enum lang lang,
		   const struct attach_point *entry, const struct attach_point *exit, int to,
		   int from, struct cost *c)
{
	static const char self[] = "/proc/self/exe";
	struct attach_set *in = NULL, *out = NULL;
	uint64_t bare, half, full, least = UINT64_MAX;
	int err = ask(to, from, &bare);
	bool go = lang == LANG_GO;
	struct hl_stats st;

	err = err
		      ?: attach_uprobes(&out, go ? skel->progs.go_exit : skel->progs.c_return, be,
					self, go ? exit : entry, 1, !go, 0);
	err = err ?: ask(to, from, &half);
	err = err
		      ?: attach_uprobes(&in, go ? skel->progs.go_entry : skel->progs.c_entry, be,
					self, entry, 1, false, 0);
	err = err ?: ask(to, from, &full);
	attach_close(in);
	attach_close(out);
	for (uint32_t i = 0; i <= skel->rodata->shard_mask && !err; i++) {
		err = bpf_map_lookup_elem(bpf_map__fd(skel->maps.stats), &i, &st);
		if (!err && st.nmin && ~st.nmin < least)
			least = ~st.nmin;
	}
	if (err)
		return err;
	if (least == UINT64_MAX || half <= bare || full <= half)
		return fail(-EAGAIN, "the dummy's calls were not seen, or too noisy to time");
	c->exit_ns = half - bare;
	c->entry_ns = full - half;
	c->bias_ns = least > bare ? least - bare : 0;
	return 0;
}

/* The file offset of an address in this very program. */
static int own_offset(const void *sym, uint64_t *off)
{
	extern const char __executable_start[];
	struct elf *e;
	uint64_t va = (uintptr_t)sym;
	int err = elf_open(&e, "/proc/self/exe");

	if (err)
		return err;
	if (e->dyn)
		va -= (uintptr_t)__executable_start;
	err = elf_va_to_off(e, va, off);
	elf_close(e);
	return err;
}

int guard_measure(struct handlerlat_bpf *skel, enum attach_backend be, enum lang lang, bool http,
		  struct cost *c)
{
	struct attach_point entry = {.cookie = HL_FN_CALIBRATE}, exit = {.cookie = HL_FN_CALIBRATE};
	int to[2] = {-1, -1}, from[2] = {-1, -1}, err;
	pid_t pid;

	memset(c, 0, sizeof(*c));
	if (http)
		entry.cookie |= HL_F_HTTP_FUNC | HL_F_PATTERN;
	exit.cookie = entry.cookie;
	err = own_offset(dummy, &entry.off) ?: own_offset(dummy_exit, &exit.off);
	if (err)
		return err;
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) {
		err = -errno;
		goto out;
	}
	pid = fork();
	if (pid < 0) {
		err = -errno;
		goto out;
	}
	if (!pid) {
		close(to[1]);
		child(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	to[0] = from[1] = -1;
	err = measure(skel, be, lang, &entry, &exit, to[1], from[0], c);
	close(to[1]);
	to[1] = -1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
out:
	for (int i = 0; i < 2; i++) {
		if (to[i] >= 0)
			close(to[i]);
		if (from[i] >= 0)
			close(from[i]);
	}
	return err;
}
