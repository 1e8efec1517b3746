// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * libcurl's multi interface, driven by an epoll descriptor that a tool's own loop watches.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "post_int.h"

#if __has_include(<curl/curl.h>)
/* Its checks are macros around the very names that are looked up here. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#define LIBRARY	   "libcurl.so.4"
#define TIMEOUT_MS 10000L
#define CONNECT_MS 5000L
#define CA_MAX	   (16 << 20) /* bytes of certificates; Debian's are 0.2 MB */
#define FUNCTIONS(X)                                                                               \
	X(global_init)                                                                             \
	X(global_cleanup)                                                                          \
	X(version_info)                                                                            \
	X(easy_init)                                                                               \
	X(easy_setopt)                                                                             \
	X(easy_getinfo)                                                                            \
	X(easy_strerror)                                                                           \
	X(easy_cleanup)                                                                            \
	X(multi_init)                                                                              \
	X(multi_setopt)                                                                            \
	X(multi_add_handle)                                                                        \
	X(multi_remove_handle)                                                                     \
	X(multi_socket_action)                                                                     \
	X(multi_info_read)                                                                         \
	X(multi_cleanup)                                                                           \
	X(slist_append)                                                                            \
	X(slist_free_all)

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

/* A static program has none, and could load no library but with a second libc beside its own. */
extern const char _DYNAMIC[] __attribute__((weak, visibility("hidden")));

static struct {
#define MEMBER(NAME) typeof(curl_##NAME) *NAME;
	FUNCTIONS(MEMBER)
#undef MEMBER
} lib;

struct post_curl {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers, *resolve;
	int epoll_fd;
	uint64_t due_ms; /* of libcurl's timer; UINT64_MAX: none */
	bool busy;
	char error[CURL_ERROR_SIZE];
	char answer[POST_ANSWER];
	size_t len;
};

/* It stays loaded: what it registered for the end of the process points into it. */
static int load(void)
{
	bool can = _DYNAMIC;
	void *l = can ? dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (!can)
		return fail(-ENOSYS, "this program is a static one, which cannot load libcurl; "
				     "write to a file, which a collector can read");
	if (!l)
		return fail(-ENOSYS,
			    "cannot load %s (%s): install it (libcurl4), or write to a file, "
			    "which a collector can read",
			    LIBRARY, dlerror());
#define LOOK_UP(NAME)                                                                              \
	lib.NAME = (typeof(lib.NAME))dlsym(l, "curl_" #NAME);                                      \
	if (!lib.NAME)                                                                             \
		return fail(-ENOSYS, "%s has no curl_" #NAME ": it is too old", LIBRARY);
	FUNCTIONS(LOOK_UP)
#undef LOOK_UP
	return lib.global_init(CURL_GLOBAL_DEFAULT) ? fail(-ENOMEM, "libcurl cannot start") : 0;
}

/* --- what libcurl calls */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
	struct post_curl *c = ctx;
	struct epoll_event ev = {.data.fd = fd};

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, fd, &ev) && errno == ENOENT)
		epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct post_curl *c = ctx;

	c->due_ms = ms < 0 ? UINT64_MAX : post_now_ms() + (uint64_t)ms;
	return 0;
}

static size_t on_answer(char *data, size_t one, size_t n, void *ctx)
{
	struct post_curl *c = ctx;
	size_t room = sizeof(c->answer) - c->len;

	memcpy(c->answer + c->len, data, n < room ? n : room);
	c->len += n < room ? n : room;
	return n;
}

/* --- start */

/* Now, while files can be read: afterwards that rests on their modes. */
static int give_ca(struct post_curl *c)
{
	const char *path = getenv("SSL_CERT_FILE");
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};
	struct stat st;
	int fd, err = 0;

	if (!path || !*path)
		path = lib.version_info(CURLVERSION_NOW)->cainfo;
	if (!path)
		return fail(-ENOENT, "https: libcurl does not say where the certificate "
				     "authorities are; set SSL_CERT_FILE");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		err = fail(-errno, "https: cannot read the certificate authorities in %s: %m",
			   path);
	else if (st.st_size <= 0 || st.st_size > CA_MAX)
		err = fail(-EINVAL, "https: %s does not hold certificates", path);
	if (!err) {
		blob.len = (size_t)st.st_size;
		blob.data = malloc(blob.len);
		if (!blob.data || read(fd, blob.data, blob.len) != (ssize_t)blob.len)
			err = fail(blob.data ? -EIO : -ENOMEM, "https: cannot read %s", path);
	}
	if (!err && lib.easy_setopt(c->easy, CURLOPT_CAINFO_BLOB, &blob))
		err = fail(-ENOSYS, "https: this libcurl cannot be given certificates (7.77 can)");
	free(blob.data);
	if (fd >= 0)
		close(fd);
	return err;
}

static int add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = lib.slist_append(*list, line);

	if (!longer)
		return fail(-ENOMEM, "no memory for libcurl");
	*list = longer;
	return 0;
}

static int add_headers(struct post_curl *c, const struct post_options *o)
{
	/* An answer "100 Continue" would cost a round trip. */
	int err = add_line(&c->headers, "Content-Type: application/json")
			  ?: add_line(&c->headers, "Expect:");

	for (size_t i = 0; i < o->nheaders && !err; i++)
		err = post_header_check(o->headers[i]) ?: add_line(&c->headers, o->headers[i]);
	return err;
}

static int set_options(struct post_curl *c, const struct post_url *u, const struct post_options *o)
{
	CURL *e = c->easy;
	CURLcode bad = CURLE_OK;

#define SET(OPTION, VALUE) bad = bad ?: lib.easy_setopt(e, OPTION, VALUE)
	SET(CURLOPT_URL, u->url);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_HTTPHEADER, c->headers);
	SET(CURLOPT_USERAGENT, o->agent);
	SET(CURLOPT_WRITEFUNCTION, on_answer);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_ERRORBUFFER, c->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* Whatever the environment says: a proxy's name could not be resolved any more. */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_RESOLVE, c->resolve);
	if (bad)
		return fail(-EINVAL, "libcurl: %s", lib.easy_strerror(bad));
#undef SET
	return u->https ? give_ca(c) : 0;
}

int post_curl_open(struct post_curl **out, const struct post_url *u, const struct post_options *o)
{
	struct post_curl *c = calloc(1, sizeof(*c));
	int err = c ? load() : fail(-ENOMEM, "no memory for libcurl");

	if (err) {
		free(c);
		return err;
	}
	c->due_ms = UINT64_MAX;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->multi = lib.multi_init();
	c->easy = lib.easy_init();
	if (c->epoll_fd < 0 || !c->multi || !c->easy)
		err = fail(-ENOMEM, "libcurl cannot start");
	if (!err && u->resolve)
		err = add_line(&c->resolve, u->resolve);
	err = err ?: add_headers(c, o) ?: set_options(c, u, o);
	if (!err && (lib.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
		     lib.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) ||
		     lib.multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer) ||
		     lib.multi_setopt(c->multi, CURLMOPT_TIMERDATA, c)))
		err = fail(-ENOSYS, "libcurl: its multi interface lacks something");
	if (err)
		post_curl_close(c);
	else
		*out = c;
	return err;
}

int post_curl_fd(const struct post_curl *c)
{
	return c->epoll_fd;
}

uint64_t post_curl_due_ms(const struct post_curl *c)
{
	return c->due_ms;
}

/* --- a request */

int post_curl_start(struct post_curl *c, const char *body, size_t len)
{
	c->len = 0;
	c->error[0] = '\0';
	if (lib.easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) ||
	    lib.easy_setopt(c->easy, CURLOPT_POSTFIELDS, body) ||
	    lib.multi_add_handle(c->multi, c->easy))
		return -ENOMEM;
	c->busy = true;
	return 0;
}

static void tell(struct post_curl *c, CURLcode result, struct post_end *end)
{
	curl_off_t after = 0;
	long port = 0;

	*end = (struct post_end){.body = c->answer, .len = c->len};
	if (result)
		end->error = c->error[0] ? c->error : lib.easy_strerror(result);
	lib.easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &end->status);
	lib.easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &after);
	lib.easy_getinfo(c->easy, CURLINFO_LOCAL_PORT, &port);
	end->retry_ms = after > 0 ? (uint64_t)after * 1000 : 0;
	end->local_port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

bool post_curl_go(struct post_curl *c, uint64_t now_ms, struct post_end *end)
{
	struct epoll_event ev[4];
	int n = epoll_wait(c->epoll_fd, ev, 4, 0), running, left;
	CURLMsg *m;

	for (int i = 0; i < n; i++) {
		uint32_t e = ev[i].events;

		lib.multi_socket_action(c->multi, ev[i].data.fd,
					(e & EPOLLIN ? CURL_CSELECT_IN : 0) |
						(e & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
						(e & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
					&running);
	}
	/* It may set the next time while it is called. */
	for (int i = 0; i < 4 && c->due_ms <= now_ms; i++) {
		c->due_ms = UINT64_MAX;
		lib.multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	m = c->busy ? lib.multi_info_read(c->multi, &left) : NULL;
	if (!m || m->msg != CURLMSG_DONE)
		return false;
	tell(c, m->data.result, end);
	lib.multi_remove_handle(c->multi, c->easy);
	c->busy = false;
	return true;
}

void post_curl_close(struct post_curl *c)
{
	if (!c)
		return;
	if (c->busy)
		lib.multi_remove_handle(c->multi, c->easy);
	if (c->easy)
		lib.easy_cleanup(c->easy);
	if (c->multi)
		lib.multi_cleanup(c->multi);
	lib.slist_free_all(c->headers);
	lib.slist_free_all(c->resolve);
	lib.global_cleanup();
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}

#else

int post_curl_open(struct post_curl **out, const struct post_url *u, const struct post_options *o)
{
	return fail(-ENOSYS, "built without libcurl's headers (libcurl4-openssl-dev): write to a "
			     "file, which a collector can read");
}

/* Nobody gets as far as these. */
int post_curl_fd(const struct post_curl *c)
{
	return -1;
}

uint64_t post_curl_due_ms(const struct post_curl *c)
{
	return UINT64_MAX;
}

int post_curl_start(struct post_curl *c, const char *body, size_t len)
{
	return -ENOSYS;
}

bool post_curl_go(struct post_curl *c, uint64_t now_ms, struct post_end *end)
{
	return false;
}

void post_curl_close(struct post_curl *c)
{
}
#endif
