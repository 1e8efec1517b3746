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
typedef void call_fn(const void *g, const void *request, const void *response);
call_fn dummy_call, stepped_call;
extern const char dummy[], dummy_exit[], stepped[];
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
    ".globl stepped, stepped_call\n"
    ".type stepped, @function\n"
    "stepped: mov %rsp, %rax\n ret\n"
    ".size stepped, . - stepped\n"
    ".type stepped_call, @function\n"
    "stepped_call: call stepped\n ret\n"
    ".size stepped_call, . - stepped_call\n"
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
    ".globl stepped, stepped_call\n"
    ".type stepped, @function\n"
    "stepped: mov x0, sp\n ret\n"
    ".size stepped, . - stepped\n"
    ".type stepped_call, @function\n"
    "stepped_call: stp x29, x30, [sp, #-16]!\n bl stepped\n ldp x29, x30, [sp], #16\n ret\n"
    ".size stepped_call, . - stepped_call\n"
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

static uint64_t time_calls(call_fn *call, const struct fake *f, int n)
{
	uint64_t t = cpu_now();

	for (int i = 0; i < n; i++)
		call(f->g, f->request, f->response);
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
		call_fn *call = c == 's' ? stepped_call : dummy_call;

		t = time_calls(call, &f, WARM_CALLS);
		for (int i = 0; i < ROUNDS; i++) {
			once = time_calls(call, &f, CALLS);
			t = once < t || !i ? once : t;
		}
		if (write(out, &t, sizeof(t)) != sizeof(t))
			break;
	}
	_exit(0);
}

/* The child's ns per call of dummy ('d') or stepped ('s'), now. */
static int ask(int to, int from, char which, uint64_t *ns)
{
	return write(to, &which, 1) == 1 && read(from, ns, sizeof(*ns)) == sizeof(*ns) ? 0 : -EPIPE;
}

struct sites {
	struct attach_point entry, exit, stepped;
};

static int measure(struct handlerlat_bpf *skel, enum attach_backend be, enum guard_kind kind,
		   const struct sites *s, int to, int from, struct cost *c)
{
	static const char self[] = "/proc/self/exe";
	bool go = kind == GUARD_GO || kind == GUARD_HTTP, ret = kind == GUARD_RETURN;
	struct bpf_program *enter = go ? skel->progs.go_entry : skel->progs.c_entry;
	struct bpf_program *leave = go	  ? skel->progs.go_exit
				    : ret ? skel->progs.c_return
					  : skel->progs.c_exit;
	struct attach_set *in = NULL, *out = NULL, *step = NULL;
	uint64_t bare, half, full, stepped = 0;
	int err = ask(to, from, 'd', &bare);

	if (!err)
		err = attach_uprobes(&out, leave, be, self, ret ? &s->entry : &s->exit, 1, ret, 0);
	err = err ?: ask(to, from, 'd', &half);
	err = err ?: attach_uprobes(&in, enter, be, self, &s->entry, 1, false, 0);
	err = err ?: ask(to, from, 'd', &full);
	if (!go) {
		err = err ?: attach_uprobes(&step, enter, be, self, &s->stepped, 1, false, 0);
		err = err ?: ask(to, from, 's', &stepped);
	}
	attach_close(step);
	attach_close(in);
	attach_close(out);
	if (err)
		return err;
	if (half <= bare || full <= half)
		return fail(-EAGAIN, "the dummy's calls were too noisy to time");
	c->exit_ns = half - bare;
	c->entry_ns = full - half;
	c->step_ns = stepped > bare + c->entry_ns ? stepped - bare - c->entry_ns : 0;
	return 0;
}

/* What the least of the measured latencies holds of the probes. */
static int read_bias(struct handlerlat_bpf *skel, struct cost *c)
{
	uint64_t least = UINT64_MAX;
	struct hl_stats st;
	int err = 0;

	for (uint32_t i = 0; i <= skel->rodata->shard_mask && !err; i++) {
		err = bpf_map_lookup_elem(bpf_map__fd(skel->maps.stats), &i, &st);
		if (!err && st.nmin && ~st.nmin < least)
			least = ~st.nmin;
	}
	/* The dummy itself takes a nanosecond or two. */
	c->bias_ns = least == UINT64_MAX ? 0 : least;
	return err;
}

/* The file offset of an address in this very program. */
static int own_offset(const void *sym, uint64_t *off)
{
	extern const char __executable_start[];
	struct elf *e;
	uint64_t va = (uintptr_t)sym;
	int err = elf_file_open(&e, "/proc/self/exe");

	if (err)
		return err;
	if (e->dyn)
		va -= (uintptr_t)__executable_start;
	err = elf_va_to_off(e, va, off);
	elf_file_close(e);
	return err;
}

int guard_measure(struct handlerlat_bpf *skel, enum attach_backend be, enum guard_kind kind,
		  struct cost *c)
{
	uint64_t cookie = HL_FN_CALIBRATE;
	struct sites s = {};
	int to[2] = {-1, -1}, from[2] = {-1, -1}, err;
	pid_t pid;

	memset(c, 0, sizeof(*c));
	if (kind == GUARD_HTTP)
		cookie |= HL_F_HTTP_FUNC | HL_F_PATTERN;
	if (kind == GUARD_RET)
		cookie |= HL_F_RETS;
	s.entry.cookie = s.exit.cookie = s.stepped.cookie = cookie;
	err = own_offset(dummy, &s.entry.off) ?:
	      own_offset(dummy_exit, &s.exit.off) ?:
	      own_offset(stepped, &s.stepped.off);
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
	err = measure(skel, be, kind, &s, to[1], from[0], c) ?: read_bias(skel, c);
	frames_cut(skel, NULL); /* stepped() was only seen to begin */
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
