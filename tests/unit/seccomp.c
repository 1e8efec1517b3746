// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The filter from inside: what a tool's loop does works, the rest is refused or deadly. No root
 * needed.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../common/log.h"
#include "../../common/priv.h"
#include "../../common/seccomp.h"
#include "t.h"

#define REFUSED(CALL)                                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		T_EQ(CALL, -1);                                                                    \
		T_EQ(errno, EPERM);                                                                \
	} while (0)

static unsigned keep;

/* Runs fn behind the filter, in a child, and returns its wait status. */
static int behind(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		t_failures = 0;
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		T_EQ(seccomp_enter(keep, 0), 0);
		fn();
		fflush(stdout);
		_exit(t_failures != 0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int tmp_fd, listen_fd;
static struct sockaddr_in listen_addr;

static void files(void)
{
	struct iovec iov[2] = {{"ab", 2}, {"cd", 2}};
	char buf[64];
	struct stat st;
	DIR *d;
	int fd;

	T_EQ(write(tmp_fd, "xy", 2), 2);
	T_EQ(writev(tmp_fd, iov, 2), 4);
	T_EQ(pwrite(tmp_fd, "z", 1, 0), 1);
	T_EQ(pread(tmp_fd, buf, sizeof(buf), 0), 6);
	T_OK(!memcmp(buf, "zyabcd", 6));
	T_EQ(lseek(tmp_fd, 0, SEEK_SET), 0);
	T_EQ(read(tmp_fd, buf, 3), 3);
	T_EQ(fsync(tmp_fd), 0);
	T_EQ(ftruncate(tmp_fd, 1), 0);
	T_EQ(fstat(tmp_fd, &st), 0);
	T_EQ(stat("/proc/self/status", &st), 0);
	T_EQ(access("/proc/self/status", R_OK), 0);
	T_OK(readlink("/proc/self", buf, sizeof(buf)) > 0);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	T_OK(fd >= 0);
	T_EQ(close(fd), 0);
	d = opendir("/proc");
	T_OK(d && readdir(d));
	closedir(d);
	REFUSED(open("/tmp/unit-seccomp", O_WRONLY | O_CREAT, 0600));
	REFUSED(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	REFUSED(open("/tmp/unit-seccomp", O_RDONLY | O_CREAT, 0600));
	REFUSED(open("/dev/null", O_RDWR));
	REFUSED(open("/dev/null", O_RDONLY | O_TRUNC));
	REFUSED(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY));
	REFUSED(unlink("/tmp/unit-seccomp"));
	REFUSED(rename("/tmp/unit-seccomp", "/tmp/unit-seccomp-2"));
	REFUSED(fchmod(tmp_fd, 0777));
}

static void waiting(void)
{
	struct itimerspec its = {.it_value.tv_nsec = 1000000};
	struct timespec ts = {0, 1000}, now;
	struct timeval tv = {0, 1000};
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(EPOLL_CLOEXEC), e = eventfd(0, EFD_NONBLOCK);
	int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = {.fd = e, .events = POLLIN};

	T_OK(ep >= 0 && e >= 0 && t >= 0);
	T_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, t, &ev), 0);
	T_EQ(timerfd_settime(t, 0, &its, NULL), 0);
	T_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	T_EQ(epoll_pwait(ep, &ev, 1, 5000, NULL), 1);
	T_EQ(eventfd_write(e, 1), 0);
	T_EQ(poll(&p, 1, 5000), 1);
	T_EQ(ppoll(&p, 1, NULL, NULL), 1);
	T_EQ(select(0, NULL, NULL, NULL, &tv), 0);
	T_EQ(nanosleep(&ts, NULL), 0);
	T_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), 0);
	T_EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now), 0);
}

static void network(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nowhere/unit-seccomp"};
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err = 1;
	struct sockaddr *to = (struct sockaddr *)&listen_addr;
	struct pollfd p = {.fd = s, .events = POLLOUT};
	socklen_t len = sizeof(err);

	T_OK(s >= 0);
	T_OK(!connect(s, to, sizeof(listen_addr)) || errno == EINPROGRESS);
	T_EQ(poll(&p, 1, 5000), 1);
	T_EQ(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	T_EQ(err, 0);
	T_EQ(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int)), 0);
	T_EQ(send(s, "x", 1, MSG_NOSIGNAL), 1);
	T_EQ(recv(s, &err, 1, MSG_DONTWAIT), -1);
	T_EQ(errno, EAGAIN);
	T_OK(fcntl(s, F_GETFL) & O_NONBLOCK);
	close(s);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	T_OK(s >= 0);
	T_EQ(connect(s, (struct sockaddr *)&un, sizeof(un)), -1);
	T_EQ(errno, ENOENT);
	close(s);
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
	REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
	REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0));
	REFUSED(listen(listen_fd, 1));
}

static void memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *big = malloc(8 << 20);

	T_OK(p != MAP_FAILED && big);
	memset(big, 1, 8 << 20);
	big = realloc(big, 16 << 20);
	T_OK(big && big[(8 << 20) - 1] == 1);
	free(big);
	T_EQ(mprotect(p, page, PROT_READ), 0);
	T_EQ(madvise(p, page, MADV_DONTNEED), 0);
	REFUSED(mprotect(p, page, PROT_READ | PROT_EXEC));
	p = mremap(p, page, 2 * page, MREMAP_MAYMOVE);
	T_OK(p != MAP_FAILED);
	T_EQ(munmap(p, 2 * page), 0);
	T_OK(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	     MAP_FAILED);
	T_EQ(errno, EPERM);
}

static void *thread(void *arg)
{
	free(malloc(100000));
	__atomic_fetch_add((int *)arg, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static volatile sig_atomic_t signals;
static void on_signal(int sig)
{
	signals++;
}

static void processes(void)
{
	struct utsname u;
	struct rlimit lim;
	struct rusage ru;
	pthread_t t[4];
	char random[8];
	int ran = 0;

	for (int i = 0; i < 4; i++)
		T_EQ(pthread_create(&t[i], NULL, thread, &ran), 0);
	for (int i = 0; i < 4; i++)
		T_EQ(pthread_join(t[i], NULL), 0);
	T_EQ(ran, 4);
	signal(SIGUSR1, on_signal);
	T_EQ(raise(SIGUSR1), 0);
	T_EQ(kill(getpid(), SIGUSR1), 0);
	T_EQ(signals, 2);
	REFUSED(kill(getppid(), 0));
	REFUSED(kill(-1, 0));
	REFUSED(kill(0, 0));
	T_EQ(uname(&u), 0);
	T_EQ(getrusage(RUSAGE_SELF, &ru), 0);
	T_EQ(syscall(SYS_getrandom, random, sizeof(random), 0), sizeof(random));
	T_OK(syscall(SYS_membarrier, 0 /* MEMBARRIER_CMD_QUERY */, 0) >= 0 || errno == ENOSYS);
	T_EQ(waitpid(-1, NULL, WNOHANG), -1);
	T_EQ(errno, ECHILD);
	T_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
	REFUSED(setrlimit(RLIMIT_NOFILE, &lim));
	/* a process, and threads in new namespaces */
	REFUSED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	REFUSED(syscall(SYS_clone, 0x3d0f00 | 0x10000000, 0, 0, 0, 0));
	T_EQ(syscall(SYS_clone3, NULL, 0), -1);
	T_EQ(errno, ENOSYS);
	T_EQ(syscall(425 /* io_uring_setup */, 1, NULL), -1);
	T_EQ(errno, ENOSYS);
	REFUSED(syscall(SYS_personality, 0x0400000));
	REFUSED(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	REFUSED(ioctl(tmp_fd, PERF_EVENT_IOC_ENABLE, 0));
	REFUSED(ioctl(0, TIOCSTI, "x"));
}

/* Past the filter the kernel finds fault with the arguments: not with EPERM. */
static void attaching(void)
{
	T_EQ(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0), -1);
	T_EQ(errno, EFAULT);
	T_EQ(ioctl(tmp_fd, PERF_EVENT_IOC_ENABLE, 0), -1);
	T_EQ(errno, ENOTTY);
	REFUSED(ioctl(0, TIOCSTI, "x"));
}

static void do_execve(void)
{
	execl("/bin/true", "true", NULL);
}
static void do_execveat(void)
{
	syscall(SYS_execveat, -1, "", NULL, NULL, 0);
}
static void do_ptrace(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}
static void do_writev(void)
{
	syscall(SYS_process_vm_writev, 0, NULL, 0, NULL, 0, 0);
}
static void do_module(void)
{
	syscall(SYS_init_module, NULL, 0, "");
}
static void do_mount(void)
{
	syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}
static void do_unshare(void)
{
	syscall(SYS_unshare, 0);
}

#ifdef __x86_64__
static void do_x32(void)
{
	syscall(0x40000000 | SYS_getpid);
}
/* getpid of the 32-bit table, whose numbers mean other calls in ours. */
static void do_i386(void)
{
	long nr = 20;

	__asm__ volatile("int $0x80" : "+a"(nr) : : "memory");
}
#endif

static void deadly(void)
{
	static void (*const calls[])(void) = {
		do_execve, do_execveat, do_ptrace, do_writev, do_module, do_mount, do_unshare,
#ifdef __x86_64__
		do_x32,
#endif
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		int status = behind(calls[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			printf("call %zu: wait status %#x\n", i, status);
		T_OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
#ifdef __x86_64__
	int status = behind(do_i386);

	/* SIGSEGV where the kernel has no 32-bit system calls */
	T_OK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV));
#endif
}

int main(void)
{
	socklen_t len = sizeof(listen_addr);
	FILE *f = tmpfile();

	if (!f)
		return 99;
	tmp_fd = fileno(f);
	listen_addr.sin_family = AF_INET;
	listen_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listen_fd, (struct sockaddr *)&listen_addr, len) || listen(listen_fd, 1) ||
	    getsockname(listen_fd, (struct sockaddr *)&listen_addr, &len))
		return 99;
	T_EQ(behind(files), 0);
	T_EQ(behind(waiting), 0);
	T_EQ(behind(network), 0);
	T_EQ(behind(memory), 0);
	T_EQ(behind(processes), 0);
	keep = PRIV_KEEP_ATTACH;
	T_EQ(behind(attaching), 0);
	deadly();
	keep = 0;
	deadly();
	return t_done();
}
